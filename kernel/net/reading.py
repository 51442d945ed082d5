"""The operations that read from a stream; each of them waits for as many bytes as it needs."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from ..core import Kernel
from ..task import Task
from .channels import BURST, CHUNK, ROUNDS
from .endpoints import AGAIN, SPENT, UNFINISHED, Attempt, Outcome

if TYPE_CHECKING:
    from .streams import Stream

T = TypeVar("T")

LIMIT = 65536  # bytes; how long a line may be by default
MUCH = ROUNDS * CHUNK  # bytes; the most that one attempt receives before other tasks have their turn


class LimitOverrun(ValueError):
    """`limit` bytes have come without the end that was asked for. All `arrived` bytes stay in the stream, unread."""

    def __init__(self, message: str, arrived: int, limit: int) -> None:
        super().__init__(message)
        self.arrived = arrived
        self.limit = limit


class IncompleteRead(EOFError):
    """The peer ended the stream before it had sent what was asked for. `partial` has the bytes that it did send."""

    def __init__(self, message: str, partial: bytes) -> None:
        super().__init__(message)
        self.partial = partial


class Reading(Attempt[T]):
    """Waits for bytes; the base of the operations that read."""

    __slots__ = ()
    endpoint: Stream

    def buffered(self) -> Outcome[T]:
        """The answer, if the buffer has all of it, else `UNFINISHED`."""
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        stream = self.endpoint
        if stream.reading is not None or stream.descriptor < 0 or self.task is not None:
            return stream.refuse(self, stream.reading, task)
        if stream.buffer:
            outcome = self.buffered()
            if outcome is not UNFINISHED:
                self.task = SPENT
                task.inbox = outcome
                return True
        if stream.plenty:
            return Attempt.execute(self, kernel, task)
        # All that was there has been received. Most often, an attempt now would be a useless system call: wait first.
        stream.burst = BURST
        self.begin_wait(kernel, task)
        return False


class Read(Reading[bytes]):
    """Waits for one byte or more."""

    __slots__ = ("limit",)
    call = "read()"

    def __init__(self, stream: Stream, limit: int) -> None:
        self.endpoint = stream
        self.task = None
        self.limit = limit

    def buffered(self) -> bytes:
        return self.endpoint.take(min(self.limit, len(self.endpoint.buffer)))

    def attempt(self) -> bytes:
        stream = self.endpoint
        data = stream.receive(self.limit)
        stream.plenty = len(data) == self.limit or (stream.tls is not None and stream.tls.primed)
        return data


class Fill(Reading[bool]):
    """Waits until the buffer has grown; False at the end of the stream."""

    __slots__ = ()
    call = "read_all()"

    def __init__(self, stream: Stream) -> None:
        self.endpoint = stream
        self.task = None

    def buffered(self) -> Outcome[bool]:
        return UNFINISHED

    def attempt(self) -> bool:
        return self.endpoint.fill()


class More(Fill):
    """Waits for something to read; False at the end of the stream, and when this side winds down."""

    __slots__ = ()
    call = "more()"

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        stream = self.endpoint
        if stream.reading is not None or stream.descriptor < 0 or self.task is not None:
            return stream.refuse(self, stream.reading, task)
        if stream.buffer or stream.winding_down:
            self.task = SPENT
            task.inbox = bool(stream.buffer)
            return True
        return Fill.execute(self, kernel, task)


class Gather(Reading[bytes]):
    """Waits until the whole answer has come; `find` says where it ends."""

    __slots__ = ()

    def find(self, data: bytes | bytearray) -> int:
        """Where the answer ends in `data`, which has the bytes not read yet; 0 while the answer is not complete."""
        raise NotImplementedError

    def at_end(self, partial: bytes) -> bytes:
        """The peer has ended the stream after `partial`: return the answer, or raise the error."""
        raise NotImplementedError

    def buffered(self) -> Outcome[bytes]:
        end = self.find(self.endpoint.buffer)
        return self.endpoint.take(end) if end else UNFINISHED

    def attempt(self) -> Outcome[bytes]:
        stream = self.endpoint
        if not stream.buffer:
            # Most often exactly one whole message has come. It does not have to go through the buffer.
            data = stream.receive(CHUNK)
            stream.plenty = len(data) == CHUNK or (stream.tls is not None and stream.tls.primed)
            if not data:
                return self.at_end(b"")
            try:
                end = self.find(data)
                if end == len(data):
                    return data
                rest = data[end:]
            except Exception:  # the limit is exceeded, or the number or the separator is of a wrong type
                stream.buffer += data
                raise
            stream.buffer += rest
            if end:
                return data[:end]
            if not stream.plenty:
                return UNFINISHED
        for _ in range(ROUNDS):
            if not stream.fill():
                return self.at_end(stream.take(len(stream.buffer)))
            outcome = self.buffered()
            if outcome is not UNFINISHED or not stream.plenty:
                return outcome
        # With TLS more bytes may be there although the descriptor is not ready.
        return UNFINISHED if stream.tls is None else AGAIN


class ReadExactly(Gather):
    """Waits for a number of bytes."""

    __slots__ = ("count",)
    call = "read_exactly(...)"

    def __init__(self, stream: Stream, count: int) -> None:
        self.endpoint = stream
        self.task = None
        self.count = count

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.count == 0 and self.task is None:
            self.task = SPENT
            task.inbox = b""
            return True
        return Reading.execute(self, kernel, task)

    def find(self, data: bytes | bytearray) -> int:
        return self.count if len(data) >= self.count else 0

    def at_end(self, partial: bytes) -> bytes:
        raise IncompleteRead(f"{self.endpoint.name} ended after {len(partial)} of {self.count} bytes", partial)


class Collect(Reading[bytes]):
    """Waits for `count` bytes or the end of the stream, and collects the bytes in a `BytesIO`.

    A `BytesIO` gives out its bytes without a copy. A copy of a gigabyte takes a second, in which no other task runs.
    """

    __slots__ = ("count", "received")

    def __init__(self, stream: Stream, count: int) -> None:
        self.endpoint = stream
        self.task = None
        self.count = count
        self.received: BytesIO | None = None  # taken from the stream; put back if the task does not get it

    def complete(self) -> bytes:
        """`count` bytes have come: return the answer, or raise the error."""
        raise NotImplementedError

    def at_end(self) -> bytes:
        """The peer has ended the stream: return the answer, or raise the error."""
        raise NotImplementedError

    def buffered(self) -> Outcome[bytes]:
        if len(self.endpoint.buffer) >= self.count:
            self.endpoint.plenty = True  # then `execute` makes an attempt at once, which needs to receive nothing
        return UNFINISHED

    def attempt(self) -> Outcome[bytes]:
        stream = self.endpoint
        received = self.received
        try:
            if received is None:
                received = self.received = BytesIO()
                received.write(stream.take(min(self.count, len(stream.buffer))))
            for _ in range(ROUNDS):
                wanted = min(CHUNK, self.count - received.tell())
                if not wanted:
                    return self.complete()
                data = stream.receive(wanted)
                stream.plenty = len(data) == wanted or (stream.tls is not None and stream.tls.primed)
                if not data:
                    return self.at_end()
                received.write(data)
                if not stream.plenty:
                    return UNFINISHED
        except BlockingIOError:
            raise
        except Exception:
            self.put_back()
            raise
        return UNFINISHED if stream.tls is None and received.tell() < self.count else AGAIN

    def taken(self) -> bytes:
        """The bytes that have come; from now on they are the task's."""
        received, self.received = self.received, None
        assert received is not None
        return received.getvalue()

    def put_back(self) -> None:
        """Put the bytes that have come back into the buffer, for the next reader."""
        if self.received is not None:
            self.endpoint.buffer[:0] = self.taken()

    def _end_wait(self) -> None:
        super()._end_wait()
        self.put_back()


class ReadMuch(Collect):
    """Waits for a large number of bytes."""

    __slots__ = ()
    call = "read_exactly(...)"

    def complete(self) -> bytes:
        return self.taken()

    def at_end(self) -> bytes:
        partial = self.taken()
        raise IncompleteRead(f"{self.endpoint.name} ended after {len(partial)} of {self.count} bytes", partial)


class ReadAll(Collect):
    """Waits for everything up to the end of the stream."""

    __slots__ = ("limit",)
    call = "read_all()"

    def __init__(self, stream: Stream, limit: int | None) -> None:
        super().__init__(stream, sys.maxsize if limit is None else limit + 1)
        self.limit = limit

    def complete(self) -> bytes:
        assert self.limit is not None
        raise LimitOverrun(f"over {self.limit} bytes came from {self.endpoint.name}", self.count, self.limit)

    def at_end(self) -> bytes:
        return self.taken()


class ReadUntil(Gather):
    """Waits for a separator."""

    __slots__ = ("limit", "searched", "separator")
    call = "read_until(...)"

    def __init__(self, stream: Stream, separator: bytes, limit: int) -> None:
        self.endpoint = stream
        self.task = None
        self.separator = separator
        self.limit = limit
        self.searched = 0  # the separator does not begin before this place

    def find(self, data: bytes | bytearray) -> int:
        length = len(self.separator)
        end = data.find(self.separator, self.searched) + length
        if length <= end <= self.limit:
            return end
        if end >= length or len(data) >= self.limit:
            raise LimitOverrun(f"no {self.separator!r} within {self.limit} bytes from {self.endpoint.name}; "
                               f"{len(data)} have arrived", len(data), self.limit)
        self.searched = max(0, len(data) - length + 1)
        return 0

    def at_end(self, partial: bytes) -> bytes:
        raise IncompleteRead(f"{self.endpoint.name} ended after {len(partial)} bytes without {self.separator!r}", partial)


class ReadLine(ReadUntil):
    """Waits for a line. The last line may lack its b"\\n"."""

    __slots__ = ()
    call = "read_line()"

    def at_end(self, partial: bytes) -> bytes:
        return partial
