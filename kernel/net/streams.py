"""Streams of bytes: over TCP and Unix sockets, pipes, and TLS on top of any of them.

A `Stream` has a buffer of what has been received and not yet been read, and a `Channel` below it, which receives and
sends without ever waiting; waiting is done by the operations of the stream. TLS is another channel, so `start_tls`
puts it between the stream and what was below: the stream stays the same object.
"""

from __future__ import annotations

import socket
import ssl
from typing import IO, Any

from ..syscalls import Syscall, call
from .addresses import show_address
from .channels import BURST, CHUNK, Channel, Data, PipeChannel, SocketChannel
from .endpoints import Endpoint, locate
from .reading import LIMIT, MUCH, More, Read, ReadAll, ReadExactly, Reading, ReadLine, ReadMuch, ReadUntil
from .tls import TLSChannel, handshake
from .writing import EndWriting, Write, WriteAll


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


def _check_number(number: object, least: int, function: str) -> None:
    """Raise what says that `number` is no number of bytes from `least`, if it is none."""
    if not isinstance(number, int):
        raise TypeError(f"{function}() takes a number of bytes, not {number!r}")
    if number < least:
        raise ValueError(f"{function}() takes a number of bytes, at least {least}, not {number}")
