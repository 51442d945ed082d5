"""A flow: one direction of a connection, with what is on its way, and what has arrived and was not read."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .endpoints import SMALLEST
from .packets import Packet

if TYPE_CHECKING:
    from .streams import StreamEndpoint


class Flow:
    """What `source` sends to `target`."""

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
        return self.size() - self.used()

    def used(self) -> int:
        """How many bytes were sent and not read."""
        return self.on_way + len(self.arrived)

    def size(self) -> int:
        """How many bytes fit. Between Unix sockets they lie with the sender until they are read."""
        size = self.source.buffer(socket.SO_SNDBUF)
        return size if self.source.unix else size + self.target.buffer(socket.SO_RCVBUF)

    def send(self, what: Callable[[], object], data: bytes = b"", form: str = "",
             split: Callable[[bytes], object] | None = None) -> None:
        """Have `what()` happen at the target."""
        source, target = self.source, self.target
        if source.paired:
            what()
        else:
            packet = Packet(source.life, target.life, self, what, source.cut_off, None, data, form)
            self.last = source.network.send(packet, self.last, split=split)

    def send_bytes(self, data: bytes) -> None:
        self.on_way += len(data)
        self.send(partial(self._arrive, data), data,
                  split=self._arrive if len(data) > 1 and not self.source.unix else None)

    def _arrive(self, data: bytes) -> None:
        target = self.target
        if target.gone or target.deaf and target.mute:
            target.answer_reset()
            target.reset()
        elif not self.ended and target.state != "failed":
            self.on_way -= len(data)
            self.arrived += data
            target.changed()

    def end(self) -> None:
        """Tell the target that nothing more comes."""
        if not self.closed:
            self.closed = True
            self.send(self._arrive_end, form="the end of")

    def _arrive_end(self) -> None:
        self.ended = True
        for end in self.target, self.source:
            if not end.connected():
                end.give_up_port()
            end.changed()

    def take(self, size: int, peek: bool) -> bytes:
        """Read what has arrived."""
        data = bytes(self.arrived[:size])
        if not peek and data:
            source, target = self.source, self.target
            full = self.used() * 3 >= SMALLEST * 2 and not source.writable()
            del self.arrived[:size]
            if full:  # tell the source that there is room again
                target.network.after(target.network.delay(target.life.host, source.life.host), source.changed,
                                     "the news of room")
        return data


def join(one: StreamEndpoint, other: StreamEndpoint) -> None:
    """Make a connection of the two."""
    one.outbox = other.inbox = Flow(one, other)
    other.outbox = one.inbox = Flow(other, one)
