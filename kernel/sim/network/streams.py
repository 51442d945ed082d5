"""Stream sockets: TCP, Unix streams, and pairs of them."""

from __future__ import annotations

import errno
import socket
from collections import deque
from typing import Any

from .connecting import Attempt
from .endpoints import BUFFER, DONTWAIT, LEVEL, PEEK, WAITALL, WILD, Endpoint
from .flows import Flow, join
from .wires import Network, failure

RESET = "a reset after"  # what a peer sent, in words
MOST_PENDING = 4096  # connections that wait to be accepted: the system's limit


class StreamEndpoint(Endpoint):
    """A stream socket. Its `state` is "new", "listening", "connecting", "connected" or "failed".

    A socket has failed when it could not be connected, or its connection was reset.
    """

    transport = "stream"

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__(network, family, kind, proto)
        self.state = "new"
        self.gone = False  # no descriptor leads to it any more
        self.paired = False  # by `socketpair`, which nothing comes between
        self.deaf = self.mute = False  # it reads, or writes, no more
        self.remote: Any = None
        self.inbox: Flow | None = None
        self.outbox: Flow | None = None
        self.pending: deque[StreamEndpoint] = deque()  # of a listener: connections that wait to be accepted
        self.backlog = 0
        self.attempt: Attempt | None = None  # to connect
        self._told = True  # what came of that

    def who(self) -> str:
        """What to call this end of a connection."""
        address = self.local if self.local else self.remote
        where = f":{address[1]}" if isinstance(address, tuple) else f" ({address!r})" if address else ""
        return f"{self.life.host.name}{where}"

    def buffer(self, option: int) -> int:
        return int(self.options.get((LEVEL, option), BUFFER))

    def listening(self) -> bool:
        return self.state == "listening"

    def takes(self, source: Any) -> bool:
        return self.state == "listening"

    def connected(self) -> bool:
        """Whether it has a peer still: of a connection that has ended in both directions, TCP knows nothing more."""
        inbox, outbox = self.inbox, self.outbox
        if self.unix or inbox is None or outbox is None:
            return outbox is not None
        return self.state == "connected" and not (inbox.ended and outbox.ended)

    def peer_address(self) -> Any:
        if not self.connected():
            return None
        return self.outbox.target.local if self.unix and self.outbox is not None else self.remote

    def readable(self) -> bool:
        if self.state == "listening":
            return bool(self.pending or self.deaf and self.unix)
        inbox = self.inbox
        return self.state != "connecting" and (inbox is None or bool(
            self.error or inbox.arrived or inbox.ended or self.deaf or self.state == "failed"))

    def writable(self) -> bool:
        if self.state in ("listening", "connecting"):
            return self.deaf and self.mute and self.unix
        outbox = self.outbox
        if outbox is None or self.error or self.mute or self.state == "failed" or self._nobody_reads(outbox.target):
            return True
        size = outbox.size()
        return (size - outbox.used()) * 3 > size

    def hung_up(self) -> bool:
        inbox, outbox = self.inbox, self.outbox
        if inbox is None or outbox is None:
            return self.state == "new"
        return self.state == "failed" or inbox.ended and (outbox.closed or self.unix and outbox.target.gone)

    # To listen, and to be connected.

    def listen(self, backlog: int) -> None:
        if self.state not in ("new", "listening"):
            raise failure(errno.EINVAL)
        if self._entry is None:
            if self.unix:
                raise failure(errno.EINVAL)
            self.bind((self.address()[0], 0))
        for other in self.network.bound[self._entry]:
            if other is not self and other.listening() and not (
                    self.option(socket.SO_REUSEPORT) and other.option(socket.SO_REUSEPORT)) \
                    and self._collides(other, self.local[0]):
                raise failure(errno.EADDRINUSE)
        self.state = "listening"
        self.backlog = min(max(backlog, 0), MOST_PENDING)

    def accept(self) -> StreamEndpoint:
        if self.state != "listening":
            raise failure(errno.EINVAL)
        if not self.pending:
            raise failure(errno.EAGAIN)
        child = self.pending.popleft()
        if self.unix:
            self.changed()
        return child

    def busy(self) -> bool:
        return super().busy() or self.state in ("listening", "connecting") or self.connected()

    def connect(self, address: Any) -> None:
        """Begin to connect. Raises `BlockingIOError`, with EINPROGRESS, where it takes time."""
        if self.unix:
            return self._connect_path(address)
        if self.state == "connecting":
            raise failure(errno.EALREADY)
        told, self._told = self._told, True
        if not told and self.state == "connected":
            return
        if not told and self.state == "failed":
            self._become_new()
            raise failure(self.take_error() or errno.ECONNABORTED)
        if self.state != "new":
            raise failure(errno.EISCONN)
        target, host, port = self.target(address)
        own = self.source_address(target, host)
        if self._entry is None:
            self._list((self.life.host, self.transport, self.network.free_port(self.life.host)))
        self.local = self.show(own, self._entry[2])
        self.remote = self.show(host, port)
        self.state = "connecting"
        self._told = False
        self.attempt = Attempt(self, target, host, port)
        self.attempt.ask()
        raise failure(errno.EINPROGRESS)

    def make_child(self, peer: StreamEndpoint) -> StreamEndpoint:
        """The end of a connection with `peer` that this listener will accept."""
        child = StreamEndpoint(self.network, self.family, self.kind, self.proto)
        if child.life is not self.life:
            del child.life.endpoints[child]
            child.life = self.life
            child.life.endpoints[child] = None
        child.options = dict(self.options)
        if self._entry is not None and not self.unix:
            child._list((*self._entry, "accepted"))
        if self.unix:
            child.local, child.remote = self.local, peer.local
        else:
            child.local = child.show(*peer.remote[:2])
            child.remote = child.show(*peer.local[:2])
        join(child, peer)
        child.state = "connected"
        return child

    def fail(self, error: int) -> None:
        """There is no connection, or no longer."""
        self.state, self.error = "failed", error
        self.give_up_port()

    def give_up_port(self) -> None:
        """There is no connection any more, so the port is free, unless the program has asked for it."""
        if not self.asked_for_port and not self.unix:
            self.unbind()

    def _become_new(self) -> None:
        """Forget the connection."""
        self.state, self.attempt = "new", None
        self.inbox = self.outbox = self.remote = None
        self.deaf = self.mute = False
        if self.local is not None and not self.asked_for_host:
            self.local = self.show(WILD[self.family == socket.AF_INET6], self.local[1])

    def _connect_path(self, address: Any) -> None:
        listener = self.at_path(address)
        if listener.state != "listening" or listener.deaf:
            raise failure(errno.ECONNREFUSED)
        if len(listener.pending) > listener.backlog:
            raise failure(errno.EAGAIN)
        if self.state != "new":
            raise failure(errno.EINVAL if self.state == "listening" else errno.EISCONN)
        self.remote = listener.local
        listener.pending.append(listener.make_child(self))
        self.state = "connected"
        listener.changed()

    # Bytes.

    def send(self, data: Any, flags: int) -> int:
        outbox = self.outbox
        if outbox is not None and self._nobody_reads(outbox.target):
            raise failure(errno.EPIPE)
        self.raise_error()
        if self.state == "connecting":
            raise failure(errno.EAGAIN)
        if outbox is None:
            raise failure(errno.ENOTCONN if self.unix else errno.EPIPE)
        if self.mute or self.state == "failed":
            raise failure(errno.EPIPE)
        room = outbox.room()
        view = memoryview(data).cast("B")
        if not view.nbytes:
            return 0
        if room <= 0:
            raise failure(errno.EAGAIN)
        part = bytes(view[:room])
        outbox.send_bytes(part)
        return len(part)

    def _nobody_reads(self, target: StreamEndpoint) -> bool:
        """Whether that is known: the two ends of a Unix connection are in one system."""
        return self.unix and (target.gone or target.deaf)

    def receive(self, size: int, flags: int) -> bytes:
        inbox = self.inbox
        if self.state == "connecting":
            raise failure(errno.EAGAIN)
        if inbox is None:
            self.raise_error()
            if self.state == "failed" or self.deaf and self.state == "new" and not self.unix:
                return b""
            raise failure(errno.EINVAL if self.unix else errno.ENOTCONN)
        if inbox.arrived:
            whole = flags & WAITALL and not inbox.ended and self.state == "connected"
            if not (whole and len(inbox.arrived) < size) or flags & DONTWAIT:
                return inbox.take(size, bool(flags & PEEK))
        elif inbox.ended and not self.unix:
            return b""
        self.raise_error()
        if inbox.ended or self.deaf or self.state == "failed" or not size:
            return b""
        raise failure(errno.EAGAIN)

    def shutdown(self, how: int) -> None:
        if not self.unix:
            if self.state == "listening":
                return None if how == socket.SHUT_WR else self._stop_listening()
            if self.state == "connecting":
                self._become_new()
                self.error = errno.ECONNRESET
                return None
        reads, writes = how != socket.SHUT_WR, how != socket.SHUT_RD
        self.deaf, self.mute, self._told = self.deaf or reads, self.mute or writes, True
        if self.outbox is not None and self.connected():
            if reads and self.unix:
                self.outbox.target.changed()
            if writes:
                self.outbox.end()
        elif not self.unix:
            raise failure(errno.ENOTCONN)
        self.changed()

    # The end.

    def _stop_listening(self) -> None:
        self.state = "new"
        self.give_up_port()
        while self.pending:
            self.pending.popleft().hang_up(abort=True)
        self.changed()

    def close(self) -> None:
        self.gone, self.attempt = True, None
        super().close()
        if self.state == "listening":
            self._stop_listening()
        elif self.state in ("connected", "failed"):
            self.hang_up()

    def hang_up(self, abort: bool = False) -> None:
        """Nobody has a use for this end any more: tell the peer so, by a reset if something was lost thereby."""
        self.gone = True
        self.unbind()
        self.life.endpoints.pop(self, None)
        inbox, outbox = self.inbox, self.outbox
        if self.life.silent or inbox is None or outbox is None or self.state == "failed":
            return
        linger = b"" if self.unix else self.options.get((LEVEL, socket.SO_LINGER), b"")
        if abort or inbox.arrived or linger[:1] == b"\1" and not any(linger[4:8]):
            outbox.closed = True
            outbox.send(outbox.target.reset, form=RESET)
        else:
            outbox.end()
            if self.unix:
                outbox.target.changed()  # which can see that nobody reads

    def cut_off(self) -> None:
        """A fault: the connection is reset at both ends."""
        if self.outbox is not None:
            peer = self.outbox.target
            self.reset()
            peer.reset()

    def answer_reset(self) -> None:
        """Something has arrived for a connection that is gone: say so."""
        if self.life.silent and self.life.host.life is self.life or self.outbox is None:
            return
        self.outbox.send(self.outbox.target.reset, form=RESET)

    def reset(self) -> None:
        """The peer says that the connection is gone."""
        if self.gone or self.state == "failed" or self.inbox is None:
            return
        self.fail(errno.EPIPE if self.inbox.ended and not self.unix else errno.ECONNRESET)
        self.changed()

    def pair_with(self, other: StreamEndpoint) -> None:
        """Be connected to `other`, without anything in between."""
        join(self, other)
        for end in self, other:
            end.paired, end.state, end.remote = True, "connected", ""
