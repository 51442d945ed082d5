"""asyncio's TLS, which is quicker here while a connection carries data.

asyncio's `SSLProtocol` stays in charge: it does the handshake and the shutdown, reports failures, and pauses who has to
be paused. The classes here change how bytes go through an established connection. asyncio gives each connection a
buffer of 256 KiB for what it receives. Here all connections of a loop have one together, since OpenSSL gets its own
copy at once. asyncio also decrypts until OpenSSL raises an exception. Here the decryption ends when OpenSSL has taken
all bytes that have come. The benchmarks' `echo-tls` rows show what that saves.

OpenSSL works between two buffers in memory. It could use the socket itself, and would then receive each record in two
pieces, and send each record alone. To receive and send 64 KiB takes 58 µs of processor time that way, 47 through memory.
"""

from __future__ import annotations

import ssl
from asyncio import sslproto
from typing import TYPE_CHECKING, Any

RECORD = 16384  # bytes that a record of TLS holds at most

if TYPE_CHECKING:

    class _Protocol:
        _app_protocol: Any
        _app_protocol_is_buffer: bool
        _app_reading_paused: bool
        _app_transport: Any
        _app_transport_created: bool
        _app_writing_paused: bool
        _incoming: ssl.MemoryBIO
        _loop: Any
        _outgoing: ssl.MemoryBIO
        _outgoing_high_water: int
        _sslobj: ssl.SSLObject
        _ssl_reading_paused: bool
        _state: object
        _transport: Any
        _write_backlog: Any

        def __init__(self, *args: Any, **options: Any) -> None: ...
        def _call_eof_received(self) -> None: ...
        def _control_ssl_reading(self) -> None: ...
        def _do_write(self) -> None: ...
        def _fatal_error(self, error: BaseException, message: str) -> None: ...
        def _get_app_transport(self) -> Any: ...
        def _process_outgoing(self) -> None: ...
        def _start_shutdown(self) -> None: ...
        def buffer_updated(self, nbytes: int) -> None: ...

    class _Transport:
        _ssl_protocol: Any

        def __init__(self, loop: Any, protocol: _Protocol) -> None: ...
        def write(self, data: bytes | bytearray | memoryview) -> None: ...
else:
    _Protocol = sslproto.SSLProtocol
    _Transport = sslproto._SSLProtocolTransport

AGAIN = ssl.SSLWantReadError, ssl.SSLSyscallError  # what asyncio takes for "not now"
ESTABLISHED: object = sslproto.SSLProtocolState.WRAPPED  # type: ignore[attr-defined]


class TLSProtocol(_Protocol):
    """TLS between a connection and the protocol of a program."""

    max_size = 0  # bytes of the connection's own buffer, which the base class makes and nobody uses here

    def __init__(self, loop: Any, *args: Any, **options: Any) -> None:
        super().__init__(loop, *args, **options)
        self._encrypted: memoryview = loop.encrypted

    def _get_app_transport(self) -> Any:
        if not self._app_transport_created:
            self._app_transport = SSLTransport(self._loop, self)
            self._app_transport_created = True
        return super()._get_app_transport()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._encrypted

    def buffer_updated(self, nbytes: int) -> None:
        self._incoming.write(self._encrypted[:nbytes])
        if self._state is not ESTABLISHED or self._app_reading_paused or self._app_protocol_is_buffer:
            super().buffer_updated(0)  # the base class has received nothing into its own buffer
            return
        try:
            self._do_read__copied()
            if self._write_backlog:
                self._do_write()
            elif self._outgoing.pending or self._app_writing_paused or not self._outgoing_high_water:
                self._process_outgoing()
            if self._ssl_reading_paused:
                self._control_ssl_reading()
        except Exception as error:
            self._fatal_error(error, "Fatal error on SSL protocol")

    def _do_read__copied(self) -> None:
        read, incoming = self._sslobj.read, self._incoming
        pieces: list[bytes] = []
        piece = b"?"
        try:
            while True:
                piece = read(RECORD)
                if not piece:
                    break
                pieces.append(piece)
                if not incoming.pending:  # nor is anything left in OpenSSL, since a whole record was asked for
                    break
        except AGAIN:
            pass
        if pieces:
            self._app_protocol.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if not piece:  # the peer has said that it will write no more
            self._call_eof_received()
            self._start_shutdown()


class SSLTransport(_Transport):
    """What the program writes to. Programs tell by its name, as asyncio's own tests do, that it stands for TLS."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        tls = self._ssl_protocol
        if (type(data) is not bytes or not data or tls._state is not ESTABLISHED or tls._write_backlog
                or tls._ssl_writing_paused or tls._app_writing_paused or not tls._outgoing_high_water):
            super().write(data)
            return
        try:
            taken = tls._sslobj.write(data)
            if taken == len(data):
                tls._transport.write(tls._outgoing.read())
                return
        except AGAIN:
            taken = 0
        except Exception as error:
            tls._fatal_error(error, "Fatal error on SSL protocol")
            return
        super().write(data[taken:])
