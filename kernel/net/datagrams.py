"""Datagrams: UDP sockets, which send and receive messages one by one, without a connection."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Generator
from functools import lru_cache
from typing import Any, Union

from ..syscalls import Syscall, call
from .addresses import Host, check_address, check_local_address, resolve, show_address
from .channels import BURST
from .endpoints import SPENT, Attempt, Endpoint, locate

LARGEST = 65536  # bytes; every UDP datagram is smaller
Peer = tuple[Any, ...]  # an IP address and a port; with IPv6 also the flow and the scope
Datagram = tuple[bytes, Peer]
Payload = Union[bytes, bytearray, memoryview]


def check_peer(family: int, address: Peer) -> None:
    """Raise the error that says why `address` is not an IP address and a port, if it is not.

    The system would look up the name of a host, and the kernel would stand still meanwhile.
    """
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError(f"send() takes an address such as ('127.0.0.1', 9), not {address!r}")
    host, port = address[:2]
    check_address(host, port, "send")
    if host is None or not is_ip(family, host):
        raise ValueError(f"send() takes an IP address and a port, not {address!r}; open_datagram() looks up the name of a "
                         "host")


@lru_cache(1024)  # most programs send to few peers, and this check would take a tenth of the time of an echo
def is_ip(family: int, host: str) -> bool:
    """Whether `host` is an IP address of the family `family`."""
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return False
    return True


class Datagrams(Endpoint):
    """A UDP socket; made by `open_datagram`. One task at a time may receive, and one may send.

    `await` the methods that wait; a generator task can `yield` them. They raise `OSError` and `RuntimeError` as those
    of `Stream` do. A cancellation ends a wait at once, and loses no datagram. `async for` gives what `receive` gives.
    """

    __slots__ = ("_family", "burst", "peer", "socket")

    def __init__(self, sock: socket.socket, peer: Peer | None) -> None:
        self.socket = sock
        self._family = int(sock.family)
        self.burst = BURST
        self.peer = peer  # if the socket is connected: datagrams go to this peer only, and come from it only
        where = f"to {show_address(peer)}" if peer else f"at {show_address(sock.getsockname())}"
        super().__init__(sock.fileno(), f"the datagram socket {where}")

    @property
    def address(self) -> Peer:
        """The IP address and the port that the socket is bound to."""
        address: Peer = self.socket.getsockname()
        return address

    def receive(self) -> Receive:
        """Wait for a datagram; the answer is its content, which may be empty, and the address that it came from.

        On a connected socket, `ConnectionRefusedError` says that nobody listens where an earlier datagram was sent.
        """
        return Receive(self)

    def send(self, data: Payload, address: Peer | None = None) -> Send:
        """Send one datagram, to `address` or else to the peer that the socket is connected to.

        Waits only while the operating system has no room for the datagram. Nobody promises that it arrives. `address`
        has the form that `receive` answers with, such as ("127.0.0.1", 9). Raises `TypeError` or `ValueError`, at the
        call, for anything else: a host's name, for instance, which only `open_datagram` looks up.
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
        self.burst = 0  # so that sending needs the kernel, which then refuses
        self.socket.close()


class Receive(Attempt[Datagram]):
    """Waits for a datagram."""

    __slots__ = ()
    endpoint: Datagrams
    call = "receive()"

    def __init__(self, datagrams: Datagrams) -> None:
        self.endpoint = datagrams
        self.task = None

    def attempt(self) -> Datagram:
        datagram = self.endpoint.socket.recvfrom(LARGEST)
        self.endpoint.burst = BURST
        return datagram


class Send(Attempt[None]):
    """Waits until a datagram is sent."""

    __slots__ = ("address", "data")
    endpoint: Datagrams
    call = "send(...)"
    outgoing = True

    def __init__(self, datagrams: Datagrams, data: Payload, address: Peer | None) -> None:
        self.endpoint = datagrams
        self.task = None
        self.data = data
        self.address = address

    def __await__(self) -> Generator[Any, Any, None]:
        # Most often the operating system takes the datagram at once, and the task does not need the kernel. The way to
        # the kernel and back is a third of the instructions of an echo: `echo-udp` of the benchmarks.
        datagrams = self.endpoint
        if datagrams.burst and datagrams.writing is None and self.task is None:
            datagrams.burst -= 1
            try:
                self._pass_on()
            except BlockingIOError:
                pass
            except OSError as error:
                self.task = SPENT
                raise datagrams.explain(error) from None
            else:
                self.task = SPENT
                return
        yield self

    __iter__ = __await__

    def attempt(self) -> None:
        self._pass_on()
        self.endpoint.burst = BURST

    def _pass_on(self) -> None:
        if self.address is None:
            self.endpoint.socket.send(self.data)
        else:
            self.endpoint.socket.sendto(self.data, self.address)


def open_datagram(host: Host = None, port: int | None = None, *, local_address: tuple[Host, int] | None = None,
                  reuse_port: bool = False) -> Syscall[Datagrams]:
    """Open a UDP socket; the answer is a `Datagrams`, which `async with` closes.

    With `host` and `port` the socket is connected: it sends to that peer, and receives from no other. `local_address`
    is the host and the port that it is bound to, for instance by a server. At least one of the two has to be given. A
    thread looks up names, and the first address that works is taken. `reuse_port` lets several sockets of the system be
    bound to the same address (SO_REUSEPORT).

    Raises `OSError` with the host and the port in its message, and `TypeError` or `ValueError`, at the call, for wrong
    arguments. Cancellation ends the wait at once, and leaves no socket behind.
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
