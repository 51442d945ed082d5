"""Stream sockets: TCP, Unix streams, and pairs of them."""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from .endpoints import BUFFER, SMALLEST, Endpoint
from .wires import LONG, Network, Packet, failure

MOST_PENDING = 4096  # connections that wait to be accepted: the system's limit
AGAIN = 1.0  # seconds until a system asks again to be connected; the next time twice as long


class Flow:
    """One direction of a connection: what is on its way, and what has arrived and was not read."""

    __slots__ = ("arrived", "closed", "ended", "last", "on_way", "source", "target")

    def __init__(self, source: StreamEndpoint, target: StreamEndpoint) -> None:
        self.source = source
        self.target = target
        self.arrived = bytearray()
        self.on_way = 0  # bytes
        self.last = 0.0  # when the last of it arrives, which nothing overtakes
        self.closed = False  # by its source: nothing more is sent
        self.ended = False  # the target knows that

    @property
    def label(self) -> str:
        source, target = self.source, self.target
        return f"what {source.who()} sends to {target.who()}"

    def room(self) -> int:
        """How many bytes can be sent now."""
        return self.source.buffer(socket.SO_SNDBUF) + self.target.buffer(socket.SO_RCVBUF) - self.on_way \
            - len(self.arrived)

    def send(self, what: Callable[[], object], size: int = 0, split: Any = None) -> None:
        """Have `what()` happen at the target."""
        source, target = self.source, self.target
        packet = Packet(source.life, target.life, self, what, source.cut_off)
        if source.paired:
            what()
        else:
            self.last = source.network.send(packet, size, self.last, split=split)

    def send_bytes(self, data: bytes) -> None:
        self.on_way += len(data)
        self.send(partial(self._arrive, data), len(data),
                  (lambda: self._halves(data)) if len(data) > 1 and not self.source.paired else None)

    def _halves(self, data: bytes) -> tuple[Callable[[], None], Callable[[], None]]:
        middle = len(data) // 2
        return partial(self._arrive, data[:middle]), partial(self._arrive, data[middle:])

    def _arrive(self, data: bytes) -> None:
        self.on_way -= len(data)
        target = self.target
        if target.gone:
            target.answer_reset()
        elif not self.ended:
            self.arrived += data
            target.changed()

    def end(self) -> None:
        """Tell the target that nothing more comes."""
        if not self.closed:
            self.closed = True
            self.send(self._arrive_end)

    def _arrive_end(self) -> None:
        if not self.target.gone:
            self.ended = True
            self.target.changed()

    def take(self, size: int, peek: bool = False) -> bytes:
        """Read what has arrived."""
        data = bytes(self.arrived[:size])
        if not peek and data:
            full = not self.source.writable()
            del self.arrived[:size]
            if full:  # tell the source that there is room again
                source, target = self.source, self.target
                back = target.network.link(target.life.host, source.life.host).least
                if back:
                    target.network.at(target.network.world.clock.time + back, source.changed, "the news of room")
                else:
                    source.changed()
        return data


class StreamEndpoint(Endpoint):
    """A stream socket. Its `state` is "new", "listening", "connecting", "connected" or "failed"."""

    transport = "stream"

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__(network, family, kind, proto)
        self.state = "new"
        self.gone = False  # no descriptor leads to it any more
        self.paired = False  # by `socketpair`, which nothing comes between
        self.deaf = False  # it reads no more
        self.remote: Any = None
        self.inbox: Flow | None = None
        self.outbox: Flow | None = None
        self.pending: deque[StreamEndpoint] = deque()  # of a listener: connections that wait to be accepted
        self.backlog = 0
        self._attempt = 0  # counts what `connect` has begun

    def who(self) -> str:
        """What to call this end of a connection."""
        address = self.local if self.local else self.remote
        where = f":{address[1]}" if isinstance(address, tuple) else f" ({address!r})" if address else ""
        return f"{self.life.host.name}{where}"

    def buffer(self, option: int) -> int:
        return max(self.option(option), SMALLEST) if self.options.get((socket.SOL_SOCKET, option)) else BUFFER

    def listening(self) -> bool:
        return self.state == "listening"

    def readable(self) -> bool:
        if self.state == "listening":
            return bool(self.pending)
        inbox = self.inbox
        return self.state != "connecting" and (inbox is None or bool(
            self.error or inbox.arrived or inbox.ended or self.deaf or self.state == "failed"))

    def writable(self) -> bool:
        if self.state in ("listening", "connecting"):
            return False
        outbox = self.outbox
        if outbox is None or self.error or outbox.closed or self.state == "failed" or outbox.target.deaf:
            return True
        room = outbox.room()
        return room * 3 > self.buffer(socket.SO_SNDBUF) + outbox.target.buffer(socket.SO_RCVBUF)

    # To listen, and to be connected.

    def listen(self, backlog: int) -> None:
        if self.state not in ("new", "listening"):
            raise failure(errno.EINVAL)
        if not self.local:
            if self.family == socket.AF_UNIX:
                raise failure(errno.EINVAL)
            self.bind(("0.0.0.0" if self.family == socket.AF_INET else "::", 0))
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
        if self.family == socket.AF_UNIX:
            self.changed()
        return child

    def connect(self, address: Any) -> None:
        """Begin to connect. Raises `BlockingIOError`, with EINPROGRESS, where it takes time."""
        if self.state == "connecting":
            raise failure(errno.EALREADY)
        self.raise_error()
        if self.state in ("connected", "listening"):
            raise failure(errno.EISCONN)
        if self.family == socket.AF_UNIX:
            return self._connect_path(address)
        target, host, port = self.target(address)
        own = self.source_address(target, host)
        if self.local is None:
            self.local = self.show(own, self.network.free_port(self.life.host))
            self._list((self.life.host, self.transport, self.local[1]))
        else:
            self.local = self.show(own, self.local[1])
        self.remote = self.show(host, port)
        self.state = "connecting"
        self._attempt += 1
        self._ask(target, host, port, self._attempt, AGAIN)
        raise failure(errno.EINPROGRESS)

    def _ask(self, target: Any, host: str, port: int, attempt: int, again: float) -> None:
        """Send the wish to be connected, and again if nobody answers."""
        if self.gone or self.state != "connecting" or self._attempt != attempt:
            return
        subject = f"the wish of {self.life.host.name} to connect to {target.name}:{port}"

        def arrive() -> None:
            if target.life.dead:
                if not target.life.silent:
                    self._answer(target, attempt, None)
                return
            listener = self.at_port(target, host, port)
            if listener is None or listener.state != "listening":
                self._answer(target, attempt, None)
            elif len(listener.pending) <= listener.backlog:
                self._answer(target, attempt, listener)

        def ask_again() -> None:
            if again * 2 > LONG:
                self._answered(attempt, None, errno.ETIMEDOUT)
            else:
                self._ask(target, host, port, attempt, again * 2)

        self.network.send(Packet(self.life, target.life, subject, arrive,
                                 lambda: self._answered(attempt, None, errno.ECONNRESET)), 0)
        if self.state == "connecting":
            self.network.at(self.network.world.clock.time + again, ask_again, f"another {subject[4:]}")

    def _answer(self, target: Any, attempt: int, listener: StreamEndpoint | None) -> None:
        """The answer of `target`, which makes its end of the connection, or refuses it."""
        child: StreamEndpoint | None = None
        if self.gone or self._attempt != attempt or self.state != "connecting":
            return
        if listener is not None:
            child = listener.make_child(self)
        link = self.network.link(target, self.life.host)
        answer = partial(self._answered, attempt, child, 0 if child is not None else errno.ECONNREFUSED)
        if link.least:
            self.network.at(self.network.world.clock.time + link.least, answer, f"the answer of {target.name}")
        else:
            answer()
        if listener is not None and child is not None:
            listener.pending.append(child)
            listener.changed()

    def make_child(self, peer: StreamEndpoint) -> StreamEndpoint:
        """The end of a connection with `peer` that this listener will accept."""
        child = StreamEndpoint(self.network, self.family, self.kind, self.proto)
        if child.life is not self.life:
            del child.life.endpoints[child]
            child.life = self.life
            child.life.endpoints[child] = None
        child.options = dict(self.options)
        if self.family == socket.AF_UNIX:
            child.local, child.remote = self.local, peer.local
        else:
            child.local = child.show(*peer.remote[:2])
            child.remote = child.show(*peer.local[:2])
        join(child, peer)
        child.state = "connected"
        return child

    def _answered(self, attempt: int, child: StreamEndpoint | None, error: int) -> None:
        if self.gone or self.state != "connecting" or self._attempt != attempt:
            if child is not None and self.gone:
                child.reset()
            return
        if child is None:
            self.state, self.error = "new", error
            self.inbox = self.outbox = self.remote = None
        elif self.state == "connecting":
            self.state = "connected"
        self.changed()

    def _connect_path(self, address: Any) -> None:
        listener = self.at_path(address)
        if listener.state != "listening":
            raise failure(errno.ECONNREFUSED)
        if len(listener.pending) > listener.backlog:
            raise failure(errno.EAGAIN)
        self.remote = listener.local
        listener.pending.append(listener.make_child(self))
        self.state = "connected"
        listener.changed()

    # Bytes.

    def send(self, data: Any, flags: int) -> int:
        self.raise_error()
        outbox = self.outbox
        if self.state == "connecting":
            raise failure(errno.EAGAIN)
        if outbox is None:
            raise failure(errno.ENOTCONN if self.family == socket.AF_UNIX or self.state == "new" else errno.EPIPE)
        if outbox.closed or self.state == "failed" or self._nobody_reads(outbox.target):
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
        return self.family == socket.AF_UNIX and (target.gone or target.deaf)

    def receive(self, size: int, flags: int) -> bytes:
        inbox = self.inbox
        if self.state == "connecting":
            raise failure(errno.EAGAIN)
        if inbox is None:
            self.raise_error()
            raise failure(errno.ENOTCONN)
        if inbox.arrived:
            whole = flags & socket.MSG_WAITALL and not inbox.ended and self.state == "connected"
            if not (whole and len(inbox.arrived) < size) or flags & socket.MSG_DONTWAIT:
                return inbox.take(size, bool(flags & socket.MSG_PEEK))
        elif inbox.ended and self.family != socket.AF_UNIX:
            return b""
        self.raise_error()
        if inbox.ended or self.deaf or self.state == "failed" or not size:
            return b""
        raise failure(errno.EAGAIN)

    def shutdown(self, how: int) -> None:
        if self.state == "listening" and how != socket.SHUT_WR:
            return self._stop_listening()
        if self.outbox is None or self.state in ("connecting", "failed"):
            raise failure(errno.ENOTCONN)
        if how in (socket.SHUT_RD, socket.SHUT_RDWR):
            self.deaf = True
            if self.family == socket.AF_UNIX:
                self.outbox.target.changed()
        if how in (socket.SHUT_WR, socket.SHUT_RDWR):
            self.outbox.end()
        self.changed()

    # The end.

    def _stop_listening(self) -> None:
        self.state = "new"
        while self.pending:
            self.pending.popleft().hang_up()
        self.changed()

    def close(self) -> None:
        self.gone = True
        super().close()
        if self.state == "listening":
            self._stop_listening()
        elif self.state in ("connected", "failed"):
            self.hang_up()

    def hang_up(self) -> None:
        """Nobody has a use for this end any more: tell the peer so."""
        self.gone = True
        self.life.endpoints.pop(self, None)
        inbox, outbox = self.inbox, self.outbox
        if self.life.silent or inbox is None or outbox is None or self.state == "failed":
            return
        linger = self.options.get((socket.SOL_SOCKET, socket.SO_LINGER))
        abort = bool(inbox.arrived) or isinstance(linger, bytes) and linger[:1] == b"\1" and not any(linger[4:8])
        if abort:
            outbox.closed = True
            outbox.send(outbox.target.reset)
        else:
            outbox.end()
            if self.family == socket.AF_UNIX:
                outbox.target.changed()  # which can see that nobody reads
        inbox.arrived.clear()

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
        self.outbox.send(self.outbox.target.reset)

    def reset(self) -> None:
        """The peer says that the connection is gone."""
        if self.gone or self.state == "failed" or self.inbox is None:
            return
        self.error = errno.EPIPE if self.inbox.ended and self.family != socket.AF_UNIX else errno.ECONNRESET
        self.state = "failed"
        self.changed()


def join(one: StreamEndpoint, other: StreamEndpoint) -> None:
    """Make a connection of the two."""
    one.outbox = other.inbox = Flow(one, other)
    other.outbox = one.inbox = Flow(other, one)


def pair(network: Network, family: int, kind: int, proto: int) -> tuple[StreamEndpoint, StreamEndpoint]:
    """Two ends that are connected to each other, without anything in between."""
    one, other = (StreamEndpoint(network, family, kind, proto) for _ in range(2))
    join(one, other)
    for end in one, other:
        end.paired, end.state, end.remote = True, "connected", ""
    return one, other
