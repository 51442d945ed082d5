"""Servers: sockets that listen, a task for every connection, and an orderly end.

A server that is shut down stops accepting at once, lets the handlers that are at work finish, and cancels those that
are not done when their time is over.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl as _ssl
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .connecting import Host, resolve
from .endpoints import Attempt, Endpoint
from .scopes import timeout
from .streams import Stream, show_address
from .syscalls import Code, Syscall, call, checkpoint, current_task, sleep, spawn
from .waitable import Waitable

if TYPE_CHECKING:
    from .task import Task

Handler = Callable[[Stream], Code[Any]]

BACKLOG = 1024  # connections that the system holds until they are accepted; it may have a lower limit of its own
GRACE = 10.0  # seconds that handlers have to finish
HANDSHAKE_TIMEOUT = 60.0  # seconds; what most web servers give a client for the TLS handshake

# What `accept` may fail with when the process, or the system, has no room for one connection more.
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
PAUSE = 0.1  # seconds until the next look whether there is room again
# What `accept` fails with when the connection is gone already; the socket is as good as before. See Linux's accept(2).
GONE = {errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN,
        errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENOPROTOOPT}


class Listener(Endpoint):
    """A socket that listens; one with a `path` takes the file along when it is closed, unless that is another by then."""

    __slots__ = ("_file", "path", "socket")

    def __init__(self, sock: socket.socket, path: str | None = None) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.path = path
        self._file = None if path is None else _identity(path)
        super().__init__(sock.fileno(), f"the server at {show_address(sock.getsockname())}")

    def _release(self) -> None:
        self.socket.close()
        if self.path is not None:
            with suppress(FileNotFoundError):
                if _identity(self.path) == self._file:
                    os.unlink(self.path)


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


class Accept(Attempt[socket.socket]):
    """Waits for a connection."""

    __slots__ = ()
    endpoint: Listener

    def attempt(self) -> socket.socket:
        return self.endpoint.socket.accept()[0]


class Server:
    """What `serve` answers with: the connections that are open, and the way to end it all.

        async with await serve(handler, "127.0.0.1", 8000) as server:
            await server.wait()

    Leaving the block, be it by a cancellation, is a `shutdown`.
    """

    def __init__(self, handler: Handler, listeners: list[Listener], context: _ssl.SSLContext | None, grace: float) -> None:
        self._handler = handler
        self._listeners = listeners
        self._context = context
        self._grace = grace
        self._acceptors: list[Task[None]] = []
        self._handlers: dict[Task[None], Stream] = {}
        self._ended: Waitable[None] = Waitable()

    @property
    def addresses(self) -> list[Any]:
        """What the server listens at, as `socket.getsockname` gives it; empty when it does not any more."""
        return [listener.socket.getsockname() for listener in self._listeners if not listener.closed]

    @property
    def port(self) -> int:
        """The TCP port, for a server that was given port 0; `RuntimeError` when it does not listen at one."""
        for address in self.addresses:
            if isinstance(address, tuple):
                return int(address[1])
        raise RuntimeError("the server listens at no TCP port")

    @property
    def connections(self) -> int:
        """How many connections are being handled."""
        return len(self._handlers)

    def wait(self) -> Waitable[None]:
        """Wait until the server has been shut down; raises what made it stop accepting, if it failed at that."""
        return self._ended

    async def start(self) -> None:
        """Begin to accept; `serve` has done it."""
        for listener in self._listeners:
            self._acceptors.append(await spawn(self._accept(listener), name=f"accept at {listener.name}"))

    async def _accept(self, listener: Listener) -> None:
        try:
            while True:
                try:
                    sock = await Accept(listener)
                except OSError as error:
                    if error.errno in EXHAUSTED:
                        await self._wait_for_room(listener, error)
                    elif error.errno not in GONE:
                        raise
                else:
                    await self._welcome(sock)
        except Exception as error:
            if not self._ended.done():
                self._ended.fail(error)
        finally:
            listener.close()

    async def _wait_for_room(self, listener: Listener, error: OSError) -> None:
        """Report once that no more connections can be accepted, and return when they can.

        The connections that come meanwhile wait in the system's backlog.
        """
        (await current_task()).kernel.report(f"{listener.name} cannot accept connections for now", error)
        while error.errno in EXHAUSTED:
            await sleep(PAUSE)
            try:
                return os.close(os.dup(listener.descriptor))
            except OSError as still:
                error = still

    async def _welcome(self, sock: socket.socket) -> None:
        try:
            stream = Stream.of_socket(sock)
        except OSError:
            return  # the peer has gone again
        self._handlers[await spawn(self._handle(stream), name=f"handle {stream.name}")] = stream

    async def _handle(self, stream: Stream) -> None:
        task = await current_task()
        try:
            async with stream:
                if self._context is not None:
                    async with timeout(HANDSHAKE_TIMEOUT):
                        await stream.start_tls(self._context, server_side=True)
                await call(self._handler(stream))
        except Exception as error:
            task.kernel.report(f"the handler of {stream.name} failed", error)
        finally:
            self._handlers.pop(task, None)

    async def shutdown(self, grace: float | None = None) -> None:
        """Stop accepting, let the handlers finish for `grace` seconds (by default what `serve` was given), then cancel
        those that are left, and wait for them.

        A cancellation while it waits cuts the grace short: the handlers are cancelled at once, and it is raised when
        they have ended.
        """
        for task in self._acceptors:
            task.cancel()
        for listener in self._listeners:
            listener.close()
        try:
            with suppress(TimeoutError):
                async with timeout(self._grace if grace is None else grace):
                    await self._finish()
        finally:
            for task in list(self._handlers):
                task.cancel()
            await self._finish()
            if not self._ended.done():
                self._ended.complete(None)

    async def _finish(self) -> None:
        """Wait until no handler is left."""
        while self._handlers:
            task, stream = next(iter(self._handlers.items()))
            try:
                await task
            except BaseException as error:
                if not (task.done() and task.exception() is error):
                    raise  # it was not the handler that was cancelled
            self._handlers.pop(task, None)
            stream.close()  # for a handler that was cancelled before it began

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.shutdown()


def serve(handler: Handler, host: Host, port: int, *, ssl: _ssl.SSLContext | None = None, backlog: int = BACKLOG,
          reuse_port: bool = False, grace: float = GRACE) -> Syscall[Server]:
    """Listen on a TCP port and run `handler(stream)`, in a task of its own, for every connection.

    The answer is a `Server`, which accepts connections by then; end it by `async with` or `shutdown`. `host` is a name,
    all addresses of which are listened at, an IP address, or None for every interface; port 0 is a free one, see
    `Server.port`. `ssl` is a context with a certificate: handlers get the stream when its handshake is done, for which
    a client has a minute. The stream is closed when the handler ends. An exception in a handler is reported to the
    kernel's exception hook with the peer's address, and the server goes on. When there are no descriptors left to
    accept with, that is reported once, and the connections wait in the backlog until there are.

    Raises `OSError` with the host and the port when it cannot listen there.
    """
    if ssl is not None and not isinstance(ssl, _ssl.SSLContext):
        raise TypeError(f"serve() takes an ssl.SSLContext with the server's certificate, not {ssl!r}")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this system has no SO_REUSEPORT")
    return call(_serve(handler, host, port, ssl, backlog, reuse_port, grace))


async def _serve(handler: Handler, host: Host, port: int, ssl: _ssl.SSLContext | None, backlog: int, reuse_port: bool,
                 grace: float) -> Server:
    listeners: list[Listener] = []
    try:
        for family, address in await resolve(host, port, passive=True):
            if not port and listeners:  # the free port which the first address got is to be the port of all
                address = (address[0], listeners[0].socket.getsockname()[1], *address[2:])
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if reuse_port:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listeners.append(_listen(sock, address, backlog))
        return await _start(Server(handler, listeners, ssl, grace))
    except BaseException:
        for listener in listeners:
            listener.close()
        raise


def serve_unix(handler: Handler, path: str | os.PathLike[str], *, ssl: _ssl.SSLContext | None = None,
               backlog: int = BACKLOG, grace: float = GRACE) -> Syscall[Server]:
    """Listen on the Unix socket `path`; otherwise as `serve`.

    A socket file that nobody listens on any more is replaced, and the file is removed when the server stops accepting.
    """
    return call(_serve_unix(handler, os.fspath(path), ssl, backlog, grace))


async def _serve_unix(handler: Handler, path: str, ssl: _ssl.SSLContext | None, backlog: int, grace: float) -> Server:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.stat(path).st_mode) and sock.connect_ex(path) == errno.ECONNREFUSED:
                os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        listener = _listen(sock, path, backlog)
    try:
        return await _start(Server(handler, [listener], ssl, grace))
    except BaseException:
        listener.close()
        raise


def _listen(sock: socket.socket, address: Any, backlog: int) -> Listener:
    """A listener that has taken over `sock`, bound to `address`."""
    try:
        sock.bind(address)
        sock.listen(backlog)
    except OSError as error:
        error.strerror = f"{error.strerror} (listening at {show_address(address)})"
        raise
    path = address if isinstance(address, str) and not address.startswith("\0") else None
    return Listener(socket.socket(fileno=sock.detach()), path)


async def _start(server: Server) -> Server:
    await server.start()
    await checkpoint()  # a task that is cancelled before it has begun could not close what it was given
    return server
