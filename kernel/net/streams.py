"""Streams of bytes: over TCP and Unix sockets, pipes, and TLS on top of any of them.

A `Stream` has a buffer of what has been received and not yet been read, and a `Channel` below it, which receives and
sends without ever waiting; waiting is done by the operations of the stream. TLS is another channel, so `start_tls`
puts it between the stream and what was below: the stream stays the same object.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from functools import partial
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar, Union

from .endpoints import AGAIN, SPENT, UNFINISHED, Attempt, Endpoint, Outcome, locate
from ..syscalls import Syscall, call
from .tls import TLSChannel, handshake

if TYPE_CHECKING:
    from ..core import Kernel
    from ..task import Task

T = TypeVar("T")
Data = Union[bytes, bytearray, memoryview]

# How much is received at a time. The C library's allocator takes a new mapping from the system for a larger block,
# which costs more than receiving 64 KiB does.
CHUNK = 65536
LIMIT = 65536  # the default limit on the length of a line
# So many writes in a row go past the kernel; then the writing task goes to the end of the ready queue, lest a peer that
# reads as fast as it writes keep all other tasks waiting.
BURST = 16
# So many chunks a single request receives in a row; then others have their turn.
ROUNDS = 16
MUCH = ROUNDS * CHUNK


class LimitOverrun(ValueError):
    """`limit` bytes have come without the separator; `arrived` have by now. They stay in the stream, unread."""

    def __init__(self, message: str, arrived: int, limit: int) -> None:
        super().__init__(message)
        self.arrived = arrived
        self.limit = limit


class IncompleteRead(EOFError):
    """The peer ended the stream before it had sent what was asked for; `partial` is what it did send."""

    def __init__(self, message: str, partial: bytes) -> None:
        super().__init__(message)
        self.partial = partial


class Channel(Protocol):
    """What a stream reads from and writes to. Nothing here waits: `BlockingIOError` says that the caller should."""

    def receive(self, limit: int, /) -> bytes:
        """At most `limit` bytes, b"" at the end; fewer than `limit` mean that no more are there now."""

    def send(self, data: Data, /) -> int:
        """Take some of `data` and return how many bytes."""

    def flush(self) -> None:
        """Do nothing when all that was taken is with the operating system; else get on with that."""

    def end_writing(self) -> None:
        """Tell the other side that nothing more will come."""

    def close(self) -> None:
        """Release the descriptor."""


class SocketChannel:
    """A connected, non-blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.receive = sock.recv
        self.send = sock.send
        self.close = sock.close

    def flush(self) -> None:
        pass

    def end_writing(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)


class PipeChannel:
    """One end of a pipe, an unbuffered file, without blocking."""

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor = file.fileno()
        os.set_blocking(self._descriptor, False)
        self.receive = partial(os.read, self._descriptor)
        self.send = partial(os.write, self._descriptor)
        self.close = file.close

    def flush(self) -> None:
        pass

    def end_writing(self) -> None:
        raise OSError(errno.ENOTSUP, "a pipe has one direction; close it to end it")


class Stream(Endpoint):
    """Bytes to and from a peer. One task at a time may read, and one, the same or another, may write.

    Made by `open_connection`, by `serve` for its handler, and for the pipes of a process. Every waiting method is used
    with `await`, or with `yield` in a generator task. All of them raise an `OSError` that names the peer when the
    connection fails, `EndpointClosed` when the stream is or gets closed on this side, and `RuntimeError` when another
    task is already reading (or writing). A cancellation ends a wait at once; a reader that is cancelled has taken
    nothing from the stream.
    """

    __slots__ = ("buffer", "burst", "channel", "peer", "plenty", "receive", "send", "tls", "winding_down")

    def __init__(self, channel: Channel, descriptor: int, name: str, peer: Any = None) -> None:
        super().__init__(descriptor, name)
        self.peer = peer  # the other side's address, where it has one
        self.tls: TLSChannel | None = None
        self.buffer = bytearray()  # received and not yet read
        self.plenty = False  # whether to receive before waiting, as more is likely to be there
        self.burst = BURST
        self.winding_down = False  # whether `wind_down` was called
        self._use(channel)

    def _use(self, channel: Channel) -> None:
        self.channel = channel
        self.receive = channel.receive
        self.send = channel.send

    @classmethod
    def of_socket(cls, sock: socket.socket, asked_for: str | None = None) -> Stream:
        """A stream on a connected stream socket, which it owns from now on and makes non-blocking.

        `asked_for` is the peer as the user knows it, for messages. Raises `OSError`, and closes the socket, when that
        is not connected (any more).
        """
        try:
            sock.setblocking(False)
            peer = sock.getpeername()
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            if asked_for:
                locate(error, f"the connection to {asked_for}")
            raise
        name = f"the connection to {asked_for or show_address(peer)}"
        if asked_for and peer and asked_for != show_address(peer):
            name += f", at {show_address(peer)}"
        return cls(SocketChannel(sock), sock.fileno(), name, peer)

    @classmethod
    def of_pipe(cls, file: IO[bytes], name: str) -> Stream:
        """A stream on an end of a pipe, an unbuffered file, which it owns from now on and makes non-blocking."""
        return cls(PipeChannel(file), file.fileno(), name)

    def read(self, limit: int = CHUNK) -> Read:
        """Wait for bytes and return them, at least one and at most `limit`; b"" when the peer has ended the stream."""
        if type(limit) is not int or limit <= 0:
            _check_number(limit, 1, "read")
        return Read(self, limit)

    def read_exactly(self, count: int) -> Reading[bytes]:
        """Wait for `count` bytes and return them.

        Raises `IncompleteRead` when the peer ends the stream before; its `partial` is what came, and is taken.
        """
        if type(count) is not int or count < 0:
            _check_number(count, 0, "read_exactly")
        return ReadExactly(self, count) if count <= MUCH else ReadMuch(self, count)

    def read_until(self, separator: bytes, limit: int = LIMIT) -> ReadUntil:
        """Wait for `separator` and return the bytes up to its end.

        Raises `IncompleteRead` as `read_exactly` does, and `LimitOverrun` when `limit` bytes have come that do not
        contain the whole separator: nothing is taken then, and the stream can be read on, with `read` for instance.
        """
        if not isinstance(separator, (bytes, bytearray, memoryview)):
            raise TypeError(f"read_until() takes the bytes of a separator, not {separator!r}")
        if not separator:
            raise ValueError("read_until() takes a separator of at least one byte")
        _check_number(limit, 1, "read_until")
        return ReadUntil(self, separator, limit)

    def read_line(self, limit: int = LIMIT) -> ReadLine:
        r"""Wait for a line and return it with its b"\n"; without one at the end of the stream, and b"" after that.

        Raises `LimitOverrun` as `read_until` does. `async for line in stream` gives the lines until the end.
        """
        if type(limit) is not int or limit <= 0:
            _check_number(limit, 1, "read_line")
        return ReadLine(self, b"\n", limit)

    def more(self) -> More:
        """Wait until there is something to read, and leave it unread; False when the peer has ended the stream.

        False also when this side is to come to an end (see `wind_down`) and nothing has been received that is not read
        yet. So a task that waits for the next request by `more`, and then reads it, is never stopped half-way:

            while await stream.more():
                request = await stream.read_line()
        """
        return More(self)

    def wind_down(self) -> None:
        """Ask the reading task to end after its current request: from now on `more` answers False, at once.

        A server that shuts down calls this for the streams of its handlers. Other operations go on as before.
        """
        self.winding_down = True
        if isinstance(self.reading, More):
            self.reading.leave().wake(False)

    async def read_all(self, limit: int | None = None) -> bytes:
        """Everything up to the end of the stream; `LimitOverrun` when that is more than `limit` bytes.

        When it raises, what has come stays in the stream.
        """
        if limit is not None:
            _check_number(limit, 0, "read_all")
        return await ReadAll(self, limit)

    def write(self, data: Data) -> Write:
        """Wait until some of `data` can be sent and return how many bytes were: at least one, if there are any."""
        return Write(self, data)

    async def write_all(self, data: Data) -> None:
        """Send all of `data`, waiting for the peer to take it where the operating system will not hold more.

        A writer that is cancelled, or gets an error, may have sent a part. Do not change `data` until it is done.
        """
        # Most often the operating system takes it all at once: then there is nothing to ask of the kernel, and the way
        # to it and back is a third of what an echo costs outside of its system calls.
        if self.burst and self.writing is None and self.tls is None and type(data) is bytes:
            self.burst -= 1
            try:
                sent = self.send(data)
            except BlockingIOError:
                pass
            except OSError as error:
                raise self.explain(error) from None
            else:
                if sent == len(data):
                    return
                await WriteAll(self, memoryview(data)[sent:])
                return
        await WriteAll(self, data)

    def end_writing(self) -> Syscall[None]:
        """Tell the peer that nothing more will come, and go on reading: half a close.

        A pipe, which has one direction, raises `OSError`: close it.
        """
        return EndWriting(self)

    def start_tls(self, context: ssl.SSLContext | None = None, *, server_hostname: str | None = None,
                  server_side: bool = False) -> Syscall[None]:
        """Put TLS on the connection, in place: what is written and read from now on is encrypted on the way.

        On the client's side the certificate is verified against `server_hostname`, unless `context` says otherwise;
        the default context trusts the system's authorities. The server's side needs a context with a certificate.
        What was received and not read counts as the beginning of the peer's handshake, so that nothing it sent in the
        clear can pass for encrypted. Raises `ssl.SSLError`, and `ssl.SSLCertVerificationError` in particular, with the
        peer in the message; the stream is closed then, as it is when the task is cancelled.
        """
        if context is None:
            if server_side:
                raise ValueError("start_tls(server_side=True) takes an ssl.SSLContext with the server's certificate")
            context = ssl.create_default_context()
        if not server_side and server_hostname is None and context.check_hostname:
            raise ValueError("start_tls() takes the server_hostname which the certificate is to be verified against")
        return call(self._start_tls(context, server_hostname, server_side))

    async def _start_tls(self, context: ssl.SSLContext, server_hostname: str | None, server_side: bool) -> None:
        try:
            tls = TLSChannel(self.channel, context, server_side, None if server_side else server_hostname,
                             self.take(len(self.buffer)))
            await handshake(self, tls)
        except BaseException:
            self.close()
            raise
        self.tls = tls
        self._use(tls)
        self.plenty = True

    def take(self, count: int) -> bytes:
        """The first `count` bytes of the buffer, which lose their place there."""
        buffer = self.buffer
        if count == len(buffer):
            data = bytes(buffer)
            buffer.clear()
        else:
            data = bytes(buffer[:count])
            del buffer[:count]
        return data

    def fill(self) -> bool:
        """Receive into the buffer; False at the end of the stream."""
        data = self.receive(CHUNK)
        self.plenty = len(data) == CHUNK or (self.tls is not None and self.tls.primed)
        self.buffer += data
        return bool(data)

    def _release(self) -> None:
        self.burst = 0  # sends writers on the way where they are refused
        self.channel.close()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        line = await self.read_line()
        if not line:
            raise StopAsyncIteration
        return line


class Reading(Attempt[T]):
    """Waits for bytes; the base of the operations that read."""

    __slots__ = ()
    endpoint: Stream

    def buffered(self) -> Outcome[T]:
        """The answer, where the buffer holds it already."""
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
        # To try first would most often be a system call for nothing: what there was has been received.
        stream.burst = BURST
        self.begin_wait(kernel, task)
        return False


class Read(Reading[bytes]):
    """Waits for any bytes."""

    __slots__ = ("limit",)

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
    """Waits for the buffer to grow; False at the end of the stream."""

    __slots__ = ()

    def __init__(self, stream: Stream) -> None:
        self.endpoint = stream
        self.task = None

    def buffered(self) -> Outcome[bool]:
        return UNFINISHED

    def attempt(self) -> bool:
        return self.endpoint.fill()


class More(Fill):
    """Waits for something to read; False at the end of the stream, or when this side is to come to its end."""

    __slots__ = ()

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
    """Waits until what is asked for has come."""

    __slots__ = ()

    def find(self, data: bytes | bytearray) -> int:
        """Where the answer ends in `data`, which begins where the stream has been read to; 0 when it is not complete."""
        raise NotImplementedError

    def at_end(self, partial: bytes) -> bytes:
        """The answer when nothing more will come, or the error."""
        raise NotImplementedError

    def buffered(self) -> Outcome[bytes]:
        end = self.find(self.endpoint.buffer)
        return self.endpoint.take(end) if end else UNFINISHED

    def attempt(self) -> Outcome[bytes]:
        stream = self.endpoint
        if not stream.buffer:
            # Most often a message comes whole and alone, and need not go through the buffer.
            data = stream.receive(CHUNK)
            stream.plenty = len(data) == CHUNK or (stream.tls is not None and stream.tls.primed)
            if not data:
                return self.at_end(b"")
            try:
                end = self.find(data)
                if end == len(data):
                    return data
                rest = data[end:]
            except Exception:  # over the limit, or a number or a separator that is none
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
        # With TLS there may be plenty although the descriptor is not ready.
        return UNFINISHED if stream.tls is None else AGAIN


class ReadExactly(Gather):
    """Waits for a number of bytes."""

    __slots__ = ("count",)

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
    """Waits for `count` bytes or the end of the stream, and collects them in a `BytesIO`.

    That gives them out as `bytes` without a copy. Copying a gigabyte takes a second, in which no other task would run.
    """

    __slots__ = ("count", "received")

    def __init__(self, stream: Stream, count: int) -> None:
        self.endpoint = stream
        self.task = None
        self.count = count
        self.received: BytesIO | None = None  # what has been taken from the stream, to be put back if the task gets none

    def complete(self) -> bytes:
        """The answer when `count` bytes have come, or the error."""
        raise NotImplementedError

    def at_end(self) -> bytes:
        """The answer when nothing more will come, or the error."""
        raise NotImplementedError

    def buffered(self) -> Outcome[bytes]:
        if len(self.endpoint.buffer) >= self.count:
            self.endpoint.plenty = True  # so there is an attempt, which will have no need to receive
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
        """What has come, which is now the task's."""
        received, self.received = self.received, None
        assert received is not None
        return received.getvalue()

    def put_back(self) -> None:
        """Have what has come in the stream again, for the next reader."""
        if self.received is not None:
            self.endpoint.buffer[:0] = self.taken()

    def _end_wait(self) -> None:
        super()._end_wait()
        self.put_back()


class ReadMuch(Collect):
    """Waits for a large number of bytes."""

    __slots__ = ()

    def complete(self) -> bytes:
        return self.taken()

    def at_end(self) -> bytes:
        partial = self.taken()
        raise IncompleteRead(f"{self.endpoint.name} ended after {len(partial)} of {self.count} bytes", partial)


class ReadAll(Collect):
    """Waits for everything up to the end of the stream."""

    __slots__ = ("limit",)

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

    def __init__(self, stream: Stream, separator: bytes, limit: int) -> None:
        self.endpoint = stream
        self.task = None
        self.separator = separator
        self.limit = limit
        self.searched = 0  # where the separator cannot begin before

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
    """Waits for a line, the last of which may lack its end."""

    __slots__ = ()

    def at_end(self, partial: bytes) -> bytes:
        return partial


class Write(Attempt[int]):
    """Waits until some bytes can be sent."""

    __slots__ = ("data", "sent")
    endpoint: Stream
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
    outgoing = True

    def __init__(self, stream: Stream, data: Data) -> None:
        self.endpoint = stream
        self.task = None
        self.data = data if type(data) is bytes else _octets(data)  # what is not sent yet

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
    """Waits until the end of the stream is sent."""

    __slots__ = ("told",)
    endpoint: Stream
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


def _check_number(number: object, least: int, function: str) -> None:
    """Raise what says that `number` is no number of bytes from `least`, if it is none."""
    if not isinstance(number, int):
        raise TypeError(f"{function}() takes a number of bytes, not {number!r}")
    if number < least:
        raise ValueError(f"{function}() takes a number of bytes, at least {least}, not {number}")


def _octets(data: Data) -> memoryview:
    """`data` as something whose length and slices count bytes, without copying it."""
    return memoryview(data).cast("B")


def show_address(address: Any) -> str:
    """A socket address as people write it: "127.0.0.1:80", "[::1]:80", "/run/some.socket", "@abstract"."""
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    path = address.decode(errors="replace") if isinstance(address, bytes) else str(address)
    return path.replace("\0", "@", 1) if path.startswith("\0") else path or "an unnamed socket"
