"""Servers: sockets that listen, a task for every connection, and an orderly end.

A server that is shut down stops accepting at once, lets the handlers that are at work finish, and cancels those that
are not done when their time is over.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl as _ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ..checks import check_seconds
from ..sync.timeouts import timeout
from ..syscalls import Code, Syscall, call, checkpoint, current_task, sleep, spawn
from ..task import Task
from ..waitable import Waitable
from .addresses import Host, check_address, resolve, show_address
from .endpoints import Attempt, Endpoint, locate
from .streams import Stream

logger = logging.getLogger("kernel")

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
    call = "accept()"

    def attempt(self) -> socket.socket:
        return self.endpoint.socket.accept()[0]


class Connection:
    """A connection being handled. It stands in the line of those who wait for the handler's task, and so sees its end."""

    __slots__ = ("at_work", "ending", "server", "stream", "task")

    def __init__(self, server: Server, stream: Stream, task: Task[None], at_work: bool) -> None:
        self.server = server
        self.stream = stream
        self.task = task
        self.at_work = at_work  # whether the handler has the stream; first comes the TLS handshake
        self.ending = False  # whether the handler itself has called for the shutdown

    def wake(self, value: object) -> None:
        """The handler has ended."""
        self.stream.close()
        self.server._forget(self)

    def throw(self, error: BaseException) -> None:
        """The handler was cancelled, maybe before it began, or ended with what ends more than a handler."""
        if not (self.task.cancelled() or isinstance(error, (KeyboardInterrupt, SystemExit))):
            self.task.kernel.report(f"the handler of {self.stream.name} failed", error)
        self.wake(None)


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
        self._connections: dict[Task[None], Connection] = {}
        self._stopped = False  # accepting
        self._one_less: Waitable[None] = Waitable()  # completes when the next handler ends, once there is a shutdown
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
        return len(self._connections)

    def wait(self) -> Waitable[None]:
        """Wait until the server has been shut down and its last handler has ended.

        Raises what made the server stop accepting, if it failed at that.
        """
        return self._ended

    async def _start(self) -> Server:
        """Begin to accept."""
        try:
            for listener in self._listeners:
                self._acceptors.append(await spawn(self._accept(listener), name=f"accept at {listener.name}"))
            await checkpoint()  # a task that is cancelled before it has begun could not close what it was given
        except BaseException:
            self._stop_accepting()
            raise
        return self

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
            if not (self._stopped or self._ended.done()):
                (await current_task()).kernel.report(f"{listener.name} accepts no connections any more", error)
                self._ended.fail(error.with_traceback(None))  # else it, this frame and the server would hold each other
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
        if self._stopped:
            return sock.close()  # it had been accepted before the listener was closed
        try:
            stream = Stream.of_socket(sock)
        except OSError:
            return  # the peer has gone again
        task = await spawn(self._handle(stream), name=f"handle {stream.name}")
        connection = Connection(self, stream, task, self._context is None)
        self._connections[task] = connection
        task.add_waiter(connection)

    async def _handle(self, stream: Stream) -> None:
        # The task is no local variable: its exception, whose traceback holds this frame, and it would hold each other.
        try:
            async with stream:
                if self._context is None or await self._secure(stream, self._context):
                    await call(self._handler(stream))
        except Exception as error:
            (await current_task()).kernel.report(f"the handler of {stream.name} failed", error)

    async def _secure(self, stream: Stream, context: _ssl.SSLContext) -> bool:
        """Put TLS on the connection; False when the client's side of that fails, as with every port scanner's."""
        try:
            async with timeout(HANDSHAKE_TIMEOUT):
                await stream.start_tls(context, server_side=True)
        except OSError as error:  # ssl.SSLError and TimeoutError among them
            logger.info("the TLS handshake of %s failed: %s", stream.name, error)
            return False
        self._connections[await current_task()].at_work = True
        return True

    async def shutdown(self, grace: float | None = None) -> None:
        """Stop accepting, let the handlers finish for `grace` seconds (by default what `serve` was given), then cancel
        those that are left, and wait for them.

        Handlers that wait for the next request by `Stream.more` get False at once, and so end without waiting for the
        grace to be over; `Stream.winding_down` tells the others. Connections that have not got beyond the TLS handshake
        are closed.

        A cancellation while it waits cuts the grace short: the handlers are cancelled at once, and it is raised when
        they have ended. A handler may call `shutdown` as well: it waits for the other handlers, except for those that
        have called it too, and `wait` for all of them.
        """
        limit = timeout(self._grace if grace is None else grace)
        self._stop_accepting()
        caller = self._connections.get(await current_task())
        if caller is not None:
            caller.ending = True
            self._tell_of_one_less()  # who waits for others need not wait for this one
        for connection in list(self._connections.values()):
            if connection.at_work:
                connection.stream.wind_down()
            else:
                connection.task.cancel()
        try:
            with suppress(TimeoutError):
                async with limit:
                    await self._finish(caller)
        finally:
            for connection in list(self._others(caller)):
                connection.task.cancel()
            await self._finish(caller)
            if not (self._connections or self._ended.done()):
                self._ended.complete(None)

    def _stop_accepting(self) -> None:
        self._stopped = True
        for task in self._acceptors:
            task.cancel()
        self._acceptors.clear()  # or the server and the exceptions that they end with would hold each other
        for listener in self._listeners:
            listener.close()

    def _others(self, caller: Connection | None) -> Iterator[Connection]:
        """The connections that the caller of `shutdown` has to wait for."""
        return (connection for connection in self._connections.values() if caller is None or not connection.ending)

    async def _finish(self, caller: Connection | None) -> None:
        """Wait until no handler is left of those that `caller` has to wait for."""
        while any(self._others(caller)):
            await self._one_less

    def _forget(self, connection: Connection) -> None:
        """A handler has ended."""
        del self._connections[connection.task]
        del connection.task  # for the same reason as in `_handle`: the frame of a `shutdown` may hold the connection
        if self._stopped:
            self._tell_of_one_less()
            if not (self._connections or self._ended.done()):
                self._ended.complete(None)

    def _tell_of_one_less(self) -> None:
        one_less, self._one_less = self._one_less, Waitable()
        one_less.complete(None)

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

    A TLS handshake that fails is logged in one line at level INFO, since every port scanner causes one.

    Raises `OSError` with the host and the port when it cannot listen there.
    """
    _check(handler, ssl, grace, "serve")
    check_address(host, port, "serve")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this system has no SO_REUSEPORT")
    return call(_serve(handler, host, port, ssl, backlog, reuse_port, grace))


def _check(handler: object, ssl: object, grace: object, function: str) -> None:
    if not callable(handler):
        raise TypeError(f"{function}() takes a function that is called with each connection's stream, not {handler!r}")
    if ssl is not None and not isinstance(ssl, _ssl.SSLContext):
        raise TypeError(f"{function}() takes an ssl.SSLContext with the server's certificate, not {ssl!r}")
    if ssl is not None and ssl.protocol == _ssl.PROTOCOL_TLS_CLIENT:
        raise ValueError(f"{function}() takes an ssl.SSLContext for servers, as ssl.create_default_context("
                         "ssl.Purpose.CLIENT_AUTH) makes it; this one is for clients")
    check_seconds(grace, function)


async def _serve(handler: Handler, host: Host, port: int, ssl: _ssl.SSLContext | None, backlog: int, reuse_port: bool,
                 grace: float) -> Server:
    listeners: list[Listener] = []
    try:
        for family, address in await resolve(host, port, passive=True):
            if not port and listeners:  # the free port which the first address got is to be the port of all
                address = (address[0], listeners[0].socket.getsockname()[1], *address[2:])
            listeners.append(_listen(family, address, backlog, reuse_port))
        return await Server(handler, listeners, ssl, grace)._start()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise


def serve_unix(handler: Handler, path: str | bytes | os.PathLike[str], *, ssl: _ssl.SSLContext | None = None,
               backlog: int = BACKLOG, grace: float = GRACE) -> Syscall[Server]:
    """Listen on the Unix socket `path`; otherwise as `serve`.

    A socket file that nobody listens on any more is replaced, and the file is removed when the server stops accepting.
    A path that begins with a zero byte is a name in Linux's abstract namespace, which has no files.
    """
    _check(handler, ssl, grace, "serve_unix")
    path = os.fsdecode(path)
    if not path:
        raise ValueError("serve_unix() takes the path of a socket, which is empty here")
    return call(_serve_unix(handler, path, ssl, backlog, grace))


async def _serve_unix(handler: Handler, path: str, ssl: _ssl.SSLContext | None, backlog: int, grace: float) -> Server:
    listener = _listen(socket.AF_UNIX, path, backlog, False)
    return await Server(handler, [listener], ssl, grace)._start()


def _listen(family: int, address: Any, backlog: int, reuse_port: bool) -> Listener:
    """A listener at `address`, which for a Unix socket is a string."""
    unix = isinstance(address, str)
    path = address if unix and not address.startswith("\0") else None
    try:
        if path is not None:
            _remove_stale(path)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if not unix:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(backlog)
            return Listener(sock, path)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        raise locate(error, f"listening at {show_address(address)}")


def _remove_stale(path: str) -> None:
    """Remove the file of a Unix socket that nobody listens on any more."""
    with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        if stat.S_ISSOCK(os.stat(path).st_mode) and sock.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)
