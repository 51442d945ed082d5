"""Datagram sockets: UDP, Unix datagrams, and pairs of them."""

from __future__ import annotations

import errno
import socket
from collections import deque
from functools import partial
from typing import Any

from .endpoints import BUFFER, DONTWAIT, PEEK, Endpoint
from .packets import Packet
from .wires import Network, failure

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

    def readable(self) -> bool:
        return bool(self._queue or self.error or self.deaf)

    def writable(self) -> bool:
        peer = self.peer
        return bool(self.error) or peer is None or peer.gone or peer.has_room(0)

    def has_room(self, size: int) -> bool:
        return self._filled + size + OVERHEAD <= max(BUFFER * 2, self.option(socket.SO_RCVBUF)) or not self._queue

    def connect(self, address: Any) -> None:
        if self.unix:
            peer: DatagramEndpoint = self.at_path(address)
            self._may_send(peer)
            if self.peer not in (None, peer):
                self._disconnect()
            self.peer, self.remote = peer, peer.local
            return
        if isinstance(address, tuple) and address and address[0] in ("", None):
            address = ("0.0.0.0" if self.family == socket.AF_INET else "::", *address[1:])
        target, host, port = self.target(address)
        self._bind_if_new()
        self.local = self.show(self.source_address(target, host), self.local[1])
        self.remote = self.show(host, port)

    def takes(self, source: Any) -> bool:
        return self.remote is None or bool(self.remote[:2] == self.show(*source)[:2])

    def peer_address(self) -> Any:
        return self.remote if self.peer is None else self.peer.local

    def _bind_if_new(self) -> None:
        if self.local is None:
            self.bind(("0.0.0.0" if self.family == socket.AF_INET else "::", 0))

    def send(self, data: Any, flags: int, address: Any = None) -> int:
        data = bytes(data)
        if self.unix:
            return self._send_to_path(data, address)
        self._bind_if_new()
        if address is None:
            if self.remote is None:
                raise failure(errno.EDESTADDRREQ)
            address = self.remote
        target, host, port = self.target(address)
        if port == 0:
            raise failure(errno.EINVAL)
        if len(data) > LARGEST:
            raise failure(errno.EMSGSIZE)
        self._may_send_at_all()
        source = self.source_address(target, host), self.local[1]
        subject = f"a datagram from {self.life.host.name} to {target.name}:{port}"
        packet = Packet(self.life, target.life, subject, partial(self._arrive, target, host, port, data, source),
                        lost=_nothing, data=data)
        self.network.send(packet, datagram=True)
        return len(data)

    def _arrive(self, target: Any, host: str, port: int, data: bytes, source: tuple[str, int]) -> None:
        if target.life.dead and target.life.silent:
            return
        receiver: DatagramEndpoint | None = self.at_port(target, host, port, source)
        if receiver is None or target.life.dead:
            self.network.after(self.network.delay(target, self.life.host),
                               partial(self._unreachable, host, port), "a refusal")
        else:
            receiver.put(data, receiver.show(*source))

    def _unreachable(self, host: str, port: int) -> None:
        """Nobody takes what was sent: a socket that is connected hears of that."""
        if not self.gone and self.remote is not None and tuple(self.remote[:2]) == self.show(host, port)[:2]:
            self.error = errno.ECONNREFUSED
            self.changed()

    def put(self, data: bytes, source: Any) -> None:
        """A datagram has arrived; it is dropped when there is no room for it."""
        if self.has_room(len(data)):
            self._queue.append((data, source))
            self._filled += len(data) + OVERHEAD
            self.changed()

    def _send_to_path(self, data: bytes, address: Any) -> int:
        self._may_send_at_all()
        if address is None and self.peer is None:
            raise failure(errno.ENOTCONN)
        if len(data) > LARGEST_UNIX:
            raise failure(errno.EMSGSIZE)
        peer: DatagramEndpoint = self.at_path(address) if self.peer is None or address is not None else self.peer
        if peer.gone:
            self._disconnect()
            raise failure(errno.ECONNREFUSED)
        self._may_send(peer)
        if peer.deaf:
            raise failure(errno.EPIPE)
        if not peer.has_room(len(data)):
            raise failure(errno.EAGAIN)
        peer.put(data, self.local or None)
        return len(data)

    def _disconnect(self) -> None:
        """Forget the peer of a Unix socket, and what it has sent."""
        self.peer = self.remote = None
        self._queue.clear()
        self._filled = 0

    def _may_send_at_all(self) -> None:
        self.raise_error()
        if self.mute:
            raise failure(errno.EPIPE)

    def _may_send(self, peer: DatagramEndpoint) -> None:
        if peer.peer is not None and peer.peer is not self:
            raise failure(errno.EPERM)

    def receive(self, size: int, flags: int) -> tuple[bytes, Any, int]:
        """A datagram, as much of it as fits, where it came from, and its length."""
        self.raise_error()
        if not self._queue:
            if self.deaf and not flags & DONTWAIT:
                return b"", None, 0
            raise failure(errno.EAGAIN)
        data, source = self._queue[0]
        if not flags & PEEK:
            self._queue.popleft()
            self._filled -= len(data) + OVERHEAD
            if self.peer is not None:
                self.peer.changed()
        return data[:size], source, len(data)

    def shutdown(self, how: int) -> None:
        self.deaf = self.deaf or how != socket.SHUT_WR
        self.mute = self.mute or how != socket.SHUT_RD
        self.changed()
        if self.remote is None and not self.unix:
            raise failure(errno.ENOTCONN)  # although it is shut down

    def pair_with(self, other: DatagramEndpoint) -> None:
        """Be connected to `other`."""
        self.peer, other.peer = other, self
        self.remote = other.remote = ""

    def close(self) -> None:
        self.gone = True
        super().close()
        if self.peer is not None:
            self.peer.changed()


def _nothing() -> None:
    """What happens to a datagram that a partition meets."""
