"""Datagram sockets: UDP, Unix datagrams, and pairs of them."""

from __future__ import annotations

import errno
import socket
from collections import deque
from functools import partial
from typing import Any

from .endpoints import BUFFER, Endpoint
from .wires import Network, Packet, failure

LARGEST = 65507  # bytes of a datagram of UDP
LARGEST_UNIX = 212_960
OVERHEAD = 576  # bytes that each datagram takes besides its own


class DatagramEndpoint(Endpoint):
    """A datagram socket."""

    transport = "datagram"

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__(network, family, kind, proto)
        self.gone = False
        self.remote: Any = None  # the address it is connected to
        self.peer: DatagramEndpoint | None = None  # the same, of a Unix socket
        self.deaf = self.mute = False
        self._queue: deque[tuple[bytes, Any]] = deque()
        self._filled = 0

    label = "a datagram"

    def readable(self) -> bool:
        return bool(self._queue or self.error or self.deaf)

    def writable(self) -> bool:
        peer = self.peer
        return bool(self.error) or peer is None or peer.gone or peer.has_room(0)

    def has_room(self, size: int) -> bool:
        return self._filled + size + OVERHEAD <= max(BUFFER * 2, self.option(socket.SO_RCVBUF)) or not self._queue

    def connect(self, address: Any) -> None:
        if self.family == socket.AF_UNIX:
            self.peer = self.at_path(address)
            self.remote = self.peer.local
            return
        if isinstance(address, tuple) and address and address[0] in ("", None):
            address = ("0.0.0.0" if self.family == socket.AF_INET else "::", *address[1:])
        target, host, port = self.target(address)
        self._bind_for(target, host)
        self.local = self.show(self.source_address(target, host), self.local[1])
        self.remote = self.show(host, port)

    def _bind_for(self, target: Any, host: str) -> None:
        if self.local is None:
            self.bind(("0.0.0.0" if self.family == socket.AF_INET else "::", 0))

    def send(self, data: Any, flags: int, address: Any = None) -> int:
        self.raise_error()
        data = bytes(data)
        if self.mute:
            raise failure(errno.EPIPE)
        if self.family == socket.AF_UNIX:
            return self._send_to_path(data, address)
        if address is None:
            if self.remote is None:
                raise failure(errno.EDESTADDRREQ)
            address = self.remote
        if isinstance(address, tuple) and address and address[0] in ("255.255.255.255", "<broadcast>") \
                and not self.option(socket.SO_BROADCAST):
            raise failure(errno.EACCES)
        target, host, port = self.target(address)
        if port == 0:
            raise failure(errno.EINVAL)
        if len(data) > LARGEST:
            raise failure(errno.EMSGSIZE)
        self._bind_for(target, host)
        source = self.source_address(target, host), self.local[1]
        subject = f"a datagram from {self.life.host.name} to {target.name}:{port}"
        packet = Packet(self.life, target.life, subject, partial(self._arrive, target, host, port, data, source),
                        lost=_nothing)
        self.network.send(packet, len(data), datagram=True)
        return len(data)

    def _arrive(self, target: Any, host: str, port: int, data: bytes, source: tuple[str, int]) -> None:
        if target.life.dead and target.life.silent:
            return
        receiver: DatagramEndpoint | None = self.at_port(target, host, port)
        if receiver is None or target.life.dead:
            back = self.network.link(target, self.life.host).least
            if back:
                self.network.at(self.network.world.clock.time + back, partial(self._unreachable, host, port), "a refusal")
            else:
                self._unreachable(host, port)
        elif receiver.remote is None or tuple(receiver.remote[:2]) == receiver.show(*source)[:2]:
            receiver.put(data, receiver.show(*source))

    def _unreachable(self, host: str, port: int) -> None:
        """Nobody takes what was sent: a socket that is connected hears of that."""
        if not self.gone and self.remote is not None and tuple(self.remote[:2]) == self.show(host, port)[:2]:
            self.error = errno.ECONNREFUSED
            self.changed()

    def put(self, data: bytes, source: Any) -> None:
        """A datagram has arrived; it is dropped when there is no room for it."""
        if not self.deaf and self.has_room(len(data)):
            self._queue.append((data, source))
            self._filled += len(data) + OVERHEAD
            self.changed()

    def _send_to_path(self, data: bytes, address: Any) -> int:
        peer = self.peer if address is None else self.at_path(address)
        if peer is None:
            raise failure(errno.ENOTCONN)
        if peer.gone:
            raise failure(errno.ECONNREFUSED if self.remote is not None and self.remote != "" else errno.ECONNRESET)
        if len(data) > LARGEST_UNIX:
            raise failure(errno.EMSGSIZE)
        if peer.deaf:
            raise failure(errno.EPIPE)
        if not peer.has_room(len(data)):
            raise failure(errno.EAGAIN)
        peer.put(data, self.local or None)
        return len(data)

    def receive(self, size: int, flags: int) -> tuple[bytes, Any, int]:
        """A datagram, as much of it as fits, where it came from, and its length."""
        self.raise_error()
        if not self._queue:
            if self.deaf:
                return b"", None, 0
            raise failure(errno.EAGAIN)
        data, source = self._queue[0]
        if not flags & socket.MSG_PEEK:
            self._queue.popleft()
            self._filled -= len(data) + OVERHEAD
            if self.peer is not None:
                self.peer.changed()
        return data[:size], source, len(data)

    def shutdown(self, how: int) -> None:
        if self.remote is None:
            raise failure(errno.ENOTCONN)
        self.deaf = self.deaf or how != socket.SHUT_WR
        self.mute = self.mute or how != socket.SHUT_RD
        self.changed()

    def close(self) -> None:
        self.gone = True
        super().close()
        if self.peer is not None:
            self.peer.changed()


def _nothing() -> None:
    """What happens to a datagram that a partition meets."""


def pair(network: Network, family: int, kind: int, proto: int) -> tuple[DatagramEndpoint, DatagramEndpoint]:
    """Two sockets that are connected to each other."""
    one, other = (DatagramEndpoint(network, family, kind, proto) for _ in range(2))
    one.peer, other.peer = other, one
    one.remote = other.remote = ""
    return one, other
