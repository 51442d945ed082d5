"""Servers: sockets that listen, a task for every connection, and an orderly end.

When a server is shut down, it stops accepting at once. Handlers that are at work may finish. When their time is over,
the server cancels those that are left.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ..checks import check_seconds
from ..failures import tell
from ..sync.timeouts import timeout
from ..syscalls import Code, Syscall, call, checkpoint, current_task, sleep, spawn
from ..task import Task
from ..waitable import Waitable
from .addresses import Host, check_address, resolve, show_address
from .endpoints import Attempt, Endpoint, locate
from .streams import Stream
from .tls import is_context

if TYPE_CHECKING:
    from ssl import SSLContext

Handler = Callable[[Stream], Code[Any]]

BACKLOG = 1024  # how many connections the system holds until they are accepted; its own limit may be lower
GRACE = 10.0  # seconds that handlers have to finish
HANDSHAKE_TIMEOUT = 60.0  # seconds that a client has for the TLS handshake, as with most web servers

# The errors of `accept` when the process, or the system, has no room for one more connection.
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
PAUSE = 0.1  # seconds between two looks for room
# The errors of `accept` when the connection is gone already. The listening socket still works. See Linux's accept(2).
GONE = {errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN,
        errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENOPROTOOPT}


class Listener(Endpoint):
    """A socket that listens. Closing one with a `path` removes that file, unless another file has taken its place."""

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
    """A connection that is being handled. As a waiter of the handler's task, it is told how the task ends."""

    __slots__ = ("at_work", "ending", "server", "stream", "task")

    def __init__(self, server: Server, stream: Stream, task: Task[None], at_work: bool) -> None:
        self.server = server
        self.stream = stream
        self.task = task
        self.at_work = at_work  # whether the handler has the stream, which it gets after the TLS handshake
        self.ending = False  # whether this handler itself has called `shutdown`

    def wake(self, value: object) -> None:
        """The handler has ended."""
        self.stream.close()
        self.server._forget(self)

    def throw(self, error: BaseException) -> None:
        """The task was cancelled, perhaps before its first step, or failed with an error that is no `Exception`."""
        if not (self.task.cancelled() or isinstance(error, (KeyboardInterrupt, SystemExit))):
            self.task.kernel.report(f"the handler of {self.stream.name} failed", error)
        self.wake(None)


class Server:
    """A server at work; made by `serve` and `serve_unix`.

        async with await serve(handler, "127.0.0.1", 8000) as server:
            await server.wait()

    At the end of the block, also when a cancellation ends it, comes a `shutdown`.
    """

    def __init__(self, handler: Handler, listeners: list[Listener], context: SSLContext | None, grace: float) -> None:
        self._handler = handler
        self._listeners = listeners
        self._context = context
        self._grace = grace
        self._acceptors: list[Task[None]] = []
        self._connections: dict[Task[None], Connection] = {}
        self._stopped = False  # whether the server has stopped accepting
        self._one_less: Waitable[None] = Waitable()  # during a shutdown, completes when the next handler ends
        self._ended: Waitable[None] = Waitable()

    @property
    def addresses(self) -> list[Any]:
        """The addresses that the server listens at, as `socket.getsockname` gives them; empty when it has stopped."""
        return [listener.socket.getsockname() for listener in self._listeners if not listener.closed]

    @property
    def port(self) -> int:
        """The TCP port, also of a server that was given port 0; `RuntimeError` when it listens at no TCP port."""
        for address in self.addresses:
            if isinstance(address, tuple):
                return int(address[1])
        raise RuntimeError("the server listens at no TCP port")

    @property
    def connections(self) -> int:
        """How many connections are being handled."""
        return len(self._connections)

    def wait(self) -> Waitable[None]:
        """Wait until the server is shut down and its last handler has ended. Cancellation ends only this wait.

        If the server stops accepting because of an error, this raises that error at once.
        """
        return self._ended

    async def _start(self) -> Server:
        """Start a task for each listener, which accepts its connections."""
        try:
            for listener in self._listeners:
                self._acceptors.append(await spawn(self._accept(listener), name=f"accept at {listener.name}"))
            await checkpoint()  # let them begin: one that is cancelled before that could not close its listener
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
                self._ended.fail(error.with_traceback(None))  # else it, the frame and the server would be a circle
        finally:
            listener.close()

    async def _wait_for_room(self, listener: Listener, error: OSError) -> None:
        """Report once that there is no room for more connections; return when there is, looking every 0.1 seconds.

        Connections that come meanwhile wait in the system's backlog.
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
            return sock.close()  # it was accepted just before the listener was closed
        try:
            stream = Stream.of_socket(sock)
        except OSError:
            return  # the peer is gone already
        task = await spawn(self._handle(stream), name=f"handle {stream.name}")
        connection = Connection(self, stream, task, self._context is None)
        self._connections[task] = connection
        task.add_waiter(connection)

    async def _handle(self, stream: Stream) -> None:
        # No local variable here holds the task: the task's exception has this frame in its traceback, so the two would
        # hold each other.
        try:
            try:
                if self._context is None or await self._secure(stream, self._context):
                    code = self._handler(stream)
                    # A coroutine that is awaited takes 500 bytes less than one that is called: `idle-connection`.
                    await (code if isinstance(code, CoroutineType) else call(code))
            finally:
                stream.close()
        except Exception as error:
            (await current_task()).kernel.report(f"the handler of {stream.name} failed", error)

    async def _secure(self, stream: Stream, context: SSLContext) -> bool:
        """Put TLS on the connection. False when the handshake fails, as it does with every port scanner."""
        try:
            async with timeout(HANDSHAKE_TIMEOUT):
                await stream.start_tls(context, server_side=True)
        except OSError as error:  # ssl.SSLError and TimeoutError among them
            tell("info", f"the TLS handshake of {stream.name} failed: {error}")
            return False
        self._connections[await current_task()].at_work = True
        return True

    async def shutdown(self, grace: float | None = None) -> None:
        """Stop accepting; let the handlers finish for `grace` seconds; then cancel those that are left.

        Returns when the handlers have ended. `grace` is by default the one given to `serve`. Handlers that wait for the
        next request by `Stream.more` get False at once, and so can end before the grace is over. Other handlers can
        look at `Stream.winding_down`. Connections whose TLS handshake is not done are closed at once.

        A cancellation cuts the grace short: this cancels the handlers at once, and `Cancelled` is raised when they have
        ended. A handler may call `shutdown` too. Then it waits for the other handlers, except for those that have
        called `shutdown` as well; `wait` waits for all of them. Raises `TypeError` or `ValueError` when `grace` is not
        a number.
        """
        limit = timeout(self._grace if grace is None else grace)
        self._stop_accepting()
        caller = self._connections.get(await current_task())
        if caller is not None:
            caller.ending = True
            self._tell_of_one_less()  # other handlers that shut down need not wait for this one
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
        self._acceptors.clear()  # else the server and the exceptions that end these tasks would hold each other
        for listener in self._listeners:
            listener.close()

    def _others(self, caller: Connection | None) -> Iterator[Connection]:
        """The connections that a `shutdown` waits for. `caller` is the connection of the handler that has called it."""
        return (connection for connection in self._connections.values() if caller is None or not connection.ending)

    async def _finish(self, caller: Connection | None) -> None:
        """Wait until the handlers that a `shutdown` by `caller` waits for have ended."""
        while any(self._others(caller)):
            await self._one_less

    def _forget(self, connection: Connection) -> None:
        """The handler of `connection` has ended."""
        del self._connections[connection.task]
        del connection.task  # as in `_handle`: the frame of a `shutdown` may hold the connection
        if self._stopped:
            self._tell_of_one_less()
            if not (self._connections or self._ended.done()):
                self._ended.complete(None)

    def _tell_of_one_less(self) -> None:
        """Wake all who wait in `_finish`, which then look again whether handlers are left."""
        one_less, self._one_less = self._one_less, Waitable()
        one_less.complete(None)

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.shutdown()


def serve(handler: Handler, host: Host, port: int, *, ssl: SSLContext | None = None, backlog: int = BACKLOG,
          reuse_port: bool = False, grace: float = GRACE) -> Syscall[Server]:
    """Listen on a TCP port, and run `handler(stream)` for every connection, in a task of its own.

    The answer is a `Server` that already accepts connections; end it by `async with` or `shutdown`. `host` is an IP
    address, a name, or None for every interface; with a name, the server listens at all its addresses. With port 0 the
    system chooses a free port: see `Server.port`. `backlog` is how many connections the system holds until they are
    accepted. `grace` is how many seconds a `shutdown` gives the handlers. `reuse_port` lets several servers listen on
    the same port (SO_REUSEPORT).

    `ssl` is a context with a certificate. Then a handler gets its stream after the TLS handshake, for which the client
    has 60 seconds. A handshake that fails is logged in one line at level INFO, since every port scanner causes one.

    The server closes the stream when its handler ends. It reports an exception in a handler to the kernel's exception
    hook, with the peer's address, and goes on. When there is no free descriptor to accept with, it reports that once,
    and the connections wait in the backlog until there is.

    Raises `OSError`, with the host and the port in its message, when it cannot listen there, and `TypeError` or
    `ValueError`, at the call, for wrong arguments. Cancellation ends the wait, and then nothing listens.
    """
    _check(handler, ssl, grace, "serve")
    check_address(host, port, "serve")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this system has no SO_REUSEPORT")
    return call(_serve(handler, host, port, ssl, backlog, reuse_port, grace))


def _check(handler: object, ssl: SSLContext | None, grace: object, function: str) -> None:
    if not callable(handler):
        raise TypeError(f"{function}() takes a function that is called with each connection's stream, not {handler!r}")
    if ssl is not None and not is_context(ssl):
        raise TypeError(f"{function}() takes an ssl.SSLContext with the server's certificate, not {ssl!r}")
    if ssl is not None and ssl.protocol.name == "PROTOCOL_TLS_CLIENT":
        raise ValueError(f"{function}() takes an ssl.SSLContext for servers, as ssl.create_default_context("
                         "ssl.Purpose.CLIENT_AUTH) makes it; this one is for clients")
    check_seconds(grace, function)


async def _serve(handler: Handler, host: Host, port: int, ssl: SSLContext | None, backlog: int, reuse_port: bool,
                 grace: float) -> Server:
    listeners: list[Listener] = []
    try:
        for family, address in await resolve(host, port, passive=True):
            if not port and listeners:  # all addresses get the free port of the first one
                address = (address[0], listeners[0].socket.getsockname()[1], *address[2:])
            listeners.append(_listen(family, address, backlog, reuse_port))
        return await Server(handler, listeners, ssl, grace)._start()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise


def serve_unix(handler: Handler, path: str | bytes | os.PathLike[str], *, ssl: SSLContext | None = None,
               backlog: int = BACKLOG, grace: float = GRACE) -> Syscall[Server]:
    """Listen on the Unix socket `path`; otherwise as `serve`.

    If `path` is a socket file that nobody listens on any more, it is replaced. When the server stops accepting, it
    removes its file. A path that begins with a zero byte is a name in Linux's abstract namespace, which has no files.
    """
    _check(handler, ssl, grace, "serve_unix")
    path = os.fsdecode(path)
    if not path:
        raise ValueError("serve_unix() takes the path of a socket, which is empty here")
    return call(_serve_unix(handler, path, ssl, backlog, grace))


async def _serve_unix(handler: Handler, path: str, ssl: SSLContext | None, backlog: int, grace: float) -> Server:
    listener = _listen(socket.AF_UNIX, path, backlog, False)
    return await Server(handler, [listener], ssl, grace)._start()


def _listen(family: int, address: Any, backlog: int, reuse_port: bool) -> Listener:
    """A listener at `address`; a string is the path of a Unix socket."""
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
    """Remove the file `path` if it is a Unix socket that nobody listens on any more."""
    with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        if stat.S_ISSOCK(os.stat(path).st_mode) and sock.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)
