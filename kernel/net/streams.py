"""Streams of bytes: over TCP and Unix sockets, over pipes, and with TLS on top of any of them.

A `Stream` has a buffer with the bytes that were received and not yet read. Below it is a `Channel`, which receives and
sends without ever waiting; the operations of the stream do the waiting. TLS is another channel: `start_tls` puts it
between the stream and the channel below, and the stream stays the same object.
"""

from __future__ import annotations

import socket
from sys import intern
from typing import IO, TYPE_CHECKING, Any

from ..syscalls import Syscall, call
from .addresses import show_address
from .channels import BURST, CHUNK, Channel, Data, PipeChannel, SocketChannel
from .endpoints import Endpoint, locate
from .reading import LIMIT, MUCH, More, Read, ReadAll, ReadExactly, Reading, ReadLine, ReadMuch, ReadUntil
from .tls import TLSChannel, handshake
from .writing import EndWriting, Write, WriteAll

if TYPE_CHECKING:
    import ssl


class Stream(Endpoint):
    """Bytes to and from a peer. One task at a time may read, and one, the same or another, may write.

    `open_connection` makes a stream, `serve` one for each call of its handler, and `open_process` one for each pipe.
    `await` the methods that wait; a generator task can `yield` them. All of them raise an `OSError` that names the peer
    when the connection fails, `EndpointClosed` when this side has closed the stream or closes it meanwhile, and
    `RuntimeError` when another task is already reading, or writing. `TypeError` or `ValueError` says that an argument
    is wrong. A cancellation ends a wait at once; a reader that is cancelled has taken nothing from the stream.
    """

    __slots__ = ("buffer", "burst", "channel", "peer", "plenty", "receive", "send", "tls", "winding_down")

    def __init__(self, channel: Channel, descriptor: int, name: str, peer: Any = None) -> None:
        super().__init__(descriptor, name)
        self.peer = peer  # the peer's address, if it has one
        self.tls: TLSChannel | None = None
        self.buffer = bytearray()  # the bytes that were received and not yet read
        self.plenty = False  # whether more is likely to be there: then the next reader receives before it waits
        self.burst = BURST
        self.winding_down = False  # whether `wind_down` was called
        self._use(channel)

    def _use(self, channel: Channel) -> None:
        self.channel = channel
        self.receive = channel.receive
        self.send = channel.send

    @classmethod
    def of_socket(cls, sock: socket.socket, asked_for: str | None = None) -> Stream:
        """A stream on a connected stream socket. From now on the stream owns the socket, and makes it non-blocking.

        `asked_for` is the name of the peer that the user knows, for messages. Raises `OSError`, and closes the socket,
        when the socket is not connected, or not any more.
        """
        try:
            sock.setblocking(False)
            peer = sock.getpeername()
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                peer = intern(peer[0]), *peer[1:]  # the connections of one host share its name: `idle-connection`
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            if asked_for:
                locate(error, f"the connection to {asked_for}")
            raise
        name = f"the connection to {asked_for}" if asked_for else ""
        if asked_for and peer and asked_for != show_address(peer):
            name += f", at {show_address(peer)}"
        return cls(SocketChannel(sock), sock.fileno(), name, peer)

    @property
    def name(self) -> str:
        # Made when it is asked for: a server's connections would each take a name's memory, `idle-connection`.
        return self._name or f"the connection to {show_address(self.peer)}"

    @classmethod
    def of_pipe(cls, file: IO[bytes], name: str) -> Stream:
        """A stream on an end of a pipe, an unbuffered file. The stream owns the file, and makes it non-blocking."""
        return cls(PipeChannel(file), file.fileno(), name)

    def read(self, limit: int = CHUNK) -> Read:
        """Wait for bytes and return them: at least 1, at most `limit`; b"" when the peer has ended the stream."""
        if type(limit) is not int or limit <= 0:
            _check_number(limit, 1, "read")
        return Read(self, limit)

    def read_exactly(self, count: int) -> Reading[bytes]:
        """Wait for `count` bytes and return them.

        Raises `IncompleteRead` when the peer ends the stream earlier. Its `partial` has the bytes that came; they are
        taken from the stream.
        """
        if type(count) is not int or count < 0:
            _check_number(count, 0, "read_exactly")
        return ReadExactly(self, count) if count <= MUCH else ReadMuch(self, count)

    def read_until(self, separator: bytes, limit: int = LIMIT) -> ReadUntil:
        """Wait for `separator` and return the bytes up to the end of it.

        Raises `IncompleteRead` as `read_exactly` does. Raises `LimitOverrun` when `limit` bytes have come that do not
        contain the whole separator. Then nothing is taken, and the task can go on reading, for instance with `read`.
        """
        if not isinstance(separator, (bytes, bytearray, memoryview)):
            raise TypeError(f"read_until() takes the bytes of a separator, not {separator!r}")
        if not separator:
            raise ValueError("read_until() takes a separator of at least one byte")
        _check_number(limit, 1, "read_until")
        return ReadUntil(self, separator, limit)

    def read_line(self, limit: int = LIMIT) -> ReadLine:
        r"""Wait for a line and return it with its b"\n".

        The last line may lack its b"\n"; after it comes b"". Raises `LimitOverrun` as `read_until` does.
        `async for line in stream` gives the lines until the end.
        """
        if type(limit) is not int or limit <= 0:
            _check_number(limit, 1, "read_line")
        return ReadLine(self, b"\n", limit)

    def more(self) -> More:
        """Wait until there is something to read, without reading it; False when the peer has ended the stream.

        The answer is also False when this side winds down (see `wind_down`) and the buffer is empty. So a task that
        waits for the next request by `more`, and then reads the request, is never stopped half-way:

            while await stream.more():
                request = await stream.read_line()
        """
        return More(self)

    def wind_down(self) -> None:
        """Ask the reading task to end after its current request: from now on `more` answers False at once.

        A server that shuts down calls this for the streams of its handlers. All other operations work as before.
        """
        self.winding_down = True
        if isinstance(self.reading, More):
            self.reading.leave().wake(False)

    async def read_all(self, limit: int | None = None) -> bytes:
        """Wait for the end of the stream and return all bytes before it; `LimitOverrun` when more than `limit` come.

        When it raises, the bytes that have come stay in the stream.
        """
        if limit is not None:
            _check_number(limit, 0, "read_all")
        return await ReadAll(self, limit)

    def write(self, data: Data) -> Write:
        """Wait until some of `data` is sent, and return how many bytes were: at least 1, if there are any."""
        return Write(self, data)

    async def write_all(self, data: Data) -> None:
        """Send all of `data`. When the operating system takes no more, wait until the peer has received some.

        A writer that is cancelled, or gets an error, may have sent a part. Do not change `data` before this returns.
        """
        # Most often the operating system takes all of it at once, and the task does not need the kernel. The way to the
        # kernel and back is a third of the time that an echo takes outside of its system calls.
        if self.burst and self.writing is None and type(data) is bytes:
            self.burst -= 1
            sent = 0
            try:
                sent = self.send(data)
                if sent == len(data):
                    if self.tls is not None:
                        self.tls.flush()
                    return
            except BlockingIOError:
                pass
            except OSError as error:
                raise self.explain(error) from None
            data = memoryview(data)[sent:]
        await WriteAll(self, data)

    def end_writing(self) -> Syscall[None]:
        """Tell the peer that nothing more will come from this side. Reading goes on as before.

        For a pipe, which has one direction only, this raises `OSError`: close the pipe instead.
        """
        return EndWriting(self)

    def start_tls(self, context: ssl.SSLContext | None = None, *, server_hostname: str | None = None,
                  server_side: bool = False) -> Syscall[None]:
        """Put TLS on this connection: all that is written and read from now on is encrypted on its way.

        A client verifies the server's certificate against `server_hostname`, unless `context` says otherwise; the
        default context trusts the system's authorities. A server needs a context with a certificate. Bytes that were
        received and not read count as the beginning of the peer's handshake. So nothing that the peer has sent
        unencrypted can pass for encrypted.

        Raises `ssl.SSLError` (`ssl.SSLCertVerificationError` for the certificate) with the peer in the message. Raises
        `ValueError`, at the call, for a client without `server_hostname` and a server without `context`. When it raises
        while it waits, also by a cancellation, the stream is closed.
        """
        if context is None:
            if server_side:
                raise ValueError("start_tls(server_side=True) takes an ssl.SSLContext with the server's certificate")
            import ssl  # here, to save start-up time: few programs need it
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
        """Take the first `count` bytes out of the buffer."""
        buffer = self.buffer
        if count == len(buffer):
            data = bytes(buffer)
            buffer.clear()
        else:
            data = bytes(buffer[:count])
            del buffer[:count]
        return data

    def fill(self) -> bool:
        """Receive bytes into the buffer; False at the end of the stream."""
        data = self.receive(CHUNK)
        self.plenty = len(data) == CHUNK or (self.tls is not None and self.tls.primed)
        self.buffer += data
        return bool(data)

    def _release(self) -> None:
        self.burst = 0  # so that `write_all` makes a request, which is then refused
        self.channel.close()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        line = await self.read_line()
        if not line:
            raise StopAsyncIteration
        return line


def _check_number(number: object, least: int, function: str) -> None:
    """Raise the error that says why `number` is not a number of bytes, `least` or more, if it is not."""
    if not isinstance(number, int):
        raise TypeError(f"{function}() takes a number of bytes, not {number!r}")
    if number < least:
        raise ValueError(f"{function}() takes a number of bytes, at least {least}, not {number}")
