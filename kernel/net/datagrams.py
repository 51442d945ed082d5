"""Datagrams: UDP sockets."""

from __future__ import annotations

import errno
import os
import socket
from functools import lru_cache
from typing import Any, Union

from ..syscalls import Syscall, call
from .addresses import Host, check_address, check_local_address, resolve, show_address
from .endpoints import Attempt, Endpoint, locate

LARGEST = 65536  # bytes; no UDP datagram is larger
Peer = tuple[Any, ...]  # an IP address and a port; for IPv6 also the flow and the scope
Datagram = tuple[bytes, Peer]
Payload = Union[bytes, bytearray, memoryview]


def check_peer(family: int, address: Peer) -> None:
    """Raise what says that `address` is none. The system would look up a name, and the kernel would wait for that."""
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError(f"send() takes an address such as ('127.0.0.1', 9), not {address!r}")
    host, port = address[:2]
    check_address(host, port, "send")
    if host is None or not is_ip(family, host):
        raise ValueError(f"send() takes an IP address and a port, not {address!r}; open_datagram() looks up the name of a "
                         "host")


@lru_cache(1024)  # most send to the same few again and again, and this takes a tenth of an echo
def is_ip(family: int, host: str) -> bool:
    """Whether `host` is an IP address of this family."""
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return False
    return True


class Datagrams(Endpoint):
    """A UDP socket; made by `open_datagram`. One task at a time may receive, and one may send.

    The waiting methods are used with `await`, or with `yield` in a generator task. They raise `OSError` as streams do;
    a cancellation ends the wait, and no datagram is lost by it.
    """

    __slots__ = ("_family", "peer", "socket")

    def __init__(self, sock: socket.socket, peer: Peer | None) -> None:
        self.socket = sock
        self._family = int(sock.family)
        self.peer = peer  # the only one that datagrams go to and come from, if the socket is connected
        where = f"to {show_address(peer)}" if peer else f"at {show_address(sock.getsockname())}"
        super().__init__(sock.fileno(), f"the datagram socket {where}")

    @property
    def address(self) -> Peer:
        """Where the socket is bound to: the IP address and the port."""
        address: Peer = self.socket.getsockname()
        return address

    def receive(self) -> Receive:
        """Wait for a datagram; the answer is its content and the address it came from. Empty ones are datagrams too.

        On a socket that is connected, `ConnectionRefusedError` says that an earlier one reached nobody.
        """
        return Receive(self)

    def send(self, data: Payload, address: Peer | None = None) -> Send:
        """Send one datagram, to `address` or else to the peer that the socket is connected to.

        Waits only where the operating system has no room for it. That it arrives, nobody promises. The address has the
        form that `receive` and `address` give it; a name would have to be looked up, which `open_datagram` does.
        """
        if address is not None:
            check_peer(self._family, address)
        elif self.peer is None:
            raise ValueError(f"send() takes the address to send to, as {self.name} is not connected")
        return Send(self, data, address)

    def __aiter__(self) -> Datagrams:
        return self

    def __anext__(self) -> Receive:
        return Receive(self)

    def _release(self) -> None:
        self.socket.close()


class Receive(Attempt[Datagram]):
    """Waits for a datagram."""

    __slots__ = ()
    endpoint: Datagrams
    call = "receive()"

    def attempt(self) -> Datagram:
        return self.endpoint.socket.recvfrom(LARGEST)


class Send(Attempt[None]):
    """Waits until a datagram is sent."""

    __slots__ = ("address", "data")
    endpoint: Datagrams
    call = "send(...)"
    outgoing = True

    def __init__(self, datagrams: Datagrams, data: Payload, address: Peer | None) -> None:
        super().__init__(datagrams)
        self.data = data
        self.address = address

    def attempt(self) -> None:
        if self.address is None:
            self.endpoint.socket.send(self.data)
        else:
            self.endpoint.socket.sendto(self.data, self.address)


def open_datagram(host: Host = None, port: int | None = None, *, local_address: tuple[Host, int] | None = None,
                  reuse_port: bool = False) -> Syscall[Datagrams]:
    """Open a UDP socket; the answer is a `Datagrams`, which `async with` closes.

    With `host` and `port` it is connected: it sends to that peer and receives from no other. `local_address` is what it
    is bound to, a server's address for instance; one of the two has to be given. A name is looked up in a thread, and
    the first of its addresses that works is taken. Raises `OSError` with the host and the port.
    """
    if port is None and local_address is None:
        raise ValueError("open_datagram() takes a host and a port to send to, or a local_address to receive at, or both")
    if port is not None:
        check_address(host, port, "open_datagram")
    elif host is not None:
        raise ValueError(f"open_datagram() takes a port of {host!r} to send to")
    if local_address is not None:
        check_local_address(local_address, "open_datagram")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this system has no SO_REUSEPORT")
    return call(_open_datagram(host, port, local_address, reuse_port))


async def _open_datagram(host: Host, port: int | None, local_address: tuple[Host, int] | None,
                         reuse_port: bool) -> Datagrams:
    peers = [] if port is None else await resolve(host, port, socket.SOCK_DGRAM)
    own = [] if local_address is None else await resolve(*local_address, socket.SOCK_DGRAM, passive=True)
    errors: list[OSError] = []
    for family in dict.fromkeys(address.family for address in peers or own):
        peer = next((address.address for address in peers if address.family == family), None)
        local = next((address.address for address in own if address.family == family), None)
        try:
            if own and local is None:
                raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
            return _socket(family, peer, local, reuse_port)
        except OSError as error:
            errors.append(locate(error, f"opening a datagram socket for {show_address(peer or local)}"))
    raise errors[0]


def _socket(family: int, peer: Peer | None, local: Peer | None, reuse_port: bool) -> Datagrams:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if local is not None:
            sock.bind(local)
        if peer is not None:
            sock.connect(peer)
        return Datagrams(sock, peer)
    except BaseException:
        sock.close()
        raise
