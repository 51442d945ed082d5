"""`ssl.SSLSocket` in a simulated run: blocking TLS, as programs have it in threads, on simulated sockets.

asyncio and the kernel have TLS in memory anyhow. `ssl.SSLSocket` gives OpenSSL a descriptor instead, which here OpenSSL
cannot read. So its object in C is made for memory as well, and is given what comes by the socket. All the rest of
`ssl.SSLSocket` works as it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any

from .sockets import SimulatedSocket

RECORD = 16384  # bytes that one record of TLS has at most
CHUNK = 65536


class Session:
    """In the place of the object in C that does TLS for a socket."""

    def __init__(self, sock: SimulatedSocket, make: Callable[[ssl.MemoryBIO, ssl.MemoryBIO], Any]) -> None:
        self.__dict__.update(_sock=sock, _in=ssl.MemoryBIO(), _out=ssl.MemoryBIO())
        self.__dict__["_made"] = make(self._in, self._out)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._made, name, value)

    def do_handshake(self) -> None:
        self._do("handshake", self._made.do_handshake)

    def read(self, *args: Any) -> Any:
        return self._do("read", self._made.read, *args)

    def write(self, data: Any) -> int:
        if self._sock.timeout == 0.0 and not self._sock._end.writable():
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)")
        view = memoryview(data).cast("B")
        return int(self._do("write", self._made.write, view[:RECORD] if self._sock.timeout == 0.0 else view))

    def shutdown(self) -> Any:
        self._do("shutdown", self._made.shutdown)
        return self._sock

    def _do(self, what: str, operation: Callable[..., Any], *args: Any) -> Any:
        try:
            while True:
                try:
                    return operation(*args)
                except ssl.SSLWantReadError:
                    self._send()
                    if not self._receive():
                        raise
        except TimeoutError:
            raise TimeoutError(f"The {what} operation timed out") from None
        finally:
            with suppress(ConnectionError):  # the peer is gone, as the next operation will find
                self._send()

    def _receive(self) -> bool:
        try:
            data = SimulatedSocket.recv(self._sock, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
        return True

    def _send(self) -> None:
        data = self._out.read()
        while data:
            data = data[SimulatedSocket.send(self._sock, data):]


class SimulatedSSLSocket(ssl.SSLSocket, SimulatedSocket):  # type: ignore[misc]  # sendmsg() and its like raise, there
    """A socket with TLS."""

    @classmethod
    def _create(cls, sock: Any, *args: Any, **kwargs: Any) -> Any:
        made: Any = super() if type.__instancecheck__(SimulatedSocket, sock) else ssl.SSLSocket  # of another thread's
        return made._create(sock, *args, **kwargs)


SimulatedSSLSocket.__name__, SimulatedSSLSocket.__qualname__ = ssl.SSLSocket.__name__, ssl.SSLSocket.__qualname__
SimulatedSSLSocket.__module__ = ssl.SSLSocket.__module__

_wrap: Any = ssl.SSLContext._wrap_socket  # type: ignore[attr-defined]


@wraps(_wrap)
def _wrap_socket(context: Any, sock: Any, server_side: bool, server_hostname: Any = None, *, owner: Any = None,
                 session: Any = None) -> Any:
    if not type.__instancecheck__(SimulatedSocket, sock):
        return _wrap(context, sock, server_side, server_hostname, owner=owner, session=session)
    return Session(sock, lambda incoming, outgoing: context._wrap_bio(
        incoming, outgoing, server_side, server_hostname, owner=owner, session=session))


def replacements() -> Iterator[tuple[Any, str, Any]]:
    """Whose attribute is replaced in a run, its name, and by what."""
    yield ssl.SSLContext, "sslsocket_class", SimulatedSSLSocket
    yield ssl.SSLContext, "_wrap_socket", _wrap_socket
