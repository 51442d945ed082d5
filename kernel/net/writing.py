"""The operations that write to a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channels import BURST, Data
from .endpoints import UNFINISHED, Attempt, Outcome

if TYPE_CHECKING:
    from .streams import Stream


class Write(Attempt[int]):
    """Waits until some bytes are sent."""

    __slots__ = ("data", "sent")
    endpoint: Stream
    call = "write(...)"
    outgoing = True

    def __init__(self, stream: Stream, data: Data) -> None:
        self.endpoint = stream
        self.task = None
        self.data = data
        self.sent = 0

    def attempt(self) -> Outcome[int]:
        if not self.sent:
            self.sent = self.endpoint.send(_octets(self.data))
        self.endpoint.channel.flush()
        return self.sent


class WriteAll(Attempt[None]):
    """Waits until all bytes are sent."""

    __slots__ = ("data",)
    endpoint: Stream
    call = "write_all(...)"
    outgoing = True

    def __init__(self, stream: Stream, data: Data) -> None:
        self.endpoint = stream
        self.task = None
        self.data = data if type(data) is bytes else _octets(data)  # the part that is not sent yet

    def attempt(self) -> Outcome[None]:
        data = self.data
        if data:
            sent = self.endpoint.send(data)
            if sent < len(data):
                self.data = memoryview(data)[sent:]
                return UNFINISHED
            self.data = b""
        self.endpoint.channel.flush()
        self.endpoint.burst = BURST
        return None


class EndWriting(Attempt[None]):
    """Waits until the peer can see that nothing more will come."""

    __slots__ = ("told",)
    endpoint: Stream
    call = "end_writing()"
    outgoing = True

    def __init__(self, stream: Stream) -> None:
        self.endpoint = stream
        self.task = None
        self.told = False

    def attempt(self) -> Outcome[None]:
        if not self.told:
            self.endpoint.channel.end_writing()
            self.told = True
        self.endpoint.channel.flush()
        return None


def _octets(data: Data) -> memoryview:
    """A view of `data`, without a copy, whose length and slices count bytes."""
    return memoryview(data).cast("B")
