"""Connections to servers: the first address that answers wins.

A host can have many addresses, and some of them may be out of reach. They are tried as RFC 8305 ("happy eyeballs")
says. IPv6 and IPv4 take turns. Each attempt begins 0.25 seconds after the one before, or as soon as an attempt fails.
The first connection that is made is kept, and the other attempts are given up.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Union

from ..core import Kernel
from ..syscalls import Syscall, call
from ..task import Task
from .addresses import Address, Host, check_address, check_local_address, resolve, show_address
from .endpoints import locate
from .streams import Stream
from .tls import is_context

if TYPE_CHECKING:
    from ssl import SSLContext

ATTEMPT_DELAY = 0.25  # seconds between two attempts to connect, as RFC 8305 recommends
SSL = Union["SSLContext", bool, None]


def alternate(addresses: Iterable[Address]) -> list[Address]:
    """The same addresses in an order in which the families take turns; the first address stays the first."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address.family, []).append(address)
    return [address for address in chain.from_iterable(zip_longest(*families.values())) if address is not None]


class Connecting:
    """One attempt of a race: a socket that is being connected to an address; the listener at its descriptor."""

    once = True
    endpoint = None

    def __init__(self, race: Race, target: Address) -> None:
        self.race = race
        self.address = show_address(target.address)
        self.socket = socket.socket(target.family, socket.SOCK_STREAM)

    @property
    def task(self) -> Task[Any]:
        """For whom it is made."""
        return self.race.task

    def begin(self, target: Address, local: list[Address]) -> bool:
        """Begin to connect. True when the socket is connected at once, as one to a Unix socket is."""
        self.socket.setblocking(False)
        if local:
            own = next((address for address in local if address.family == target.family), None)
            if own is None:
                raise OSError(errno.EADDRNOTAVAIL, "the local address is of another family")
            self.socket.bind(own.address)
        code = self.socket.connect_ex(target.address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
        return code == 0

    def fire(self, kernel: Kernel) -> None:
        """The attempt has ended: the socket is connected, or has an error."""
        if self.socket.fileno() < 0:
            return  # by an earlier event of the same poll, another attempt has won
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.race.lost(self, OSError(code, os.strerror(code)))
        else:
            self.race.won(self)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The program has closed the socket without the race."""
        if self.socket.fileno() >= 0:
            self.race.lost(self, error)


class Pause:
    """The timer that starts the next attempt, unless an attempt fails before."""

    def __init__(self, race: Race) -> None:
        self._race = race
        self.dead: bool | None = None

    @property
    def task(self) -> Task[Any]:
        """For whom the attempts are made."""
        return self._race.task

    def fire(self, kernel: Kernel) -> None:
        self._race.pause = None
        self._race.start_next()


class Race(Syscall[socket.socket]):
    """Attempts to connect, one for each address. The first to succeed wins, and the answer is its socket.

    When all have failed, the first error is raised, with the errors of the others as notes.
    """

    def __init__(self, targets: Iterable[Address], local: Iterable[Address], name: str) -> None:
        self.name = name
        self.pause: Pause | None = None
        self._targets = deque(targets)
        self._local = list(local)
        self._running: set[Connecting] = set()
        self._errors: list[OSError] = []

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self._kernel = kernel
        self.task = task
        self.start_next()
        return False

    def start_next(self) -> None:
        """Start the next attempt, and the pause after it. When no attempt is left or runs, the race is lost."""
        while self._targets:
            target = self._targets.popleft()
            try:
                attempt = Connecting(self, target)
            except OSError as error:
                self._note(show_address(target.address), error)
                continue
            self._running.add(attempt)
            try:
                if attempt.begin(target, self._local):
                    return self.won(attempt)
                self._kernel.poller.watch(attempt.socket.fileno(), True, attempt)
            except OSError as error:
                self._give_up(attempt)
                self._note(attempt.address, error)
                continue
            if self._targets:
                self.pause = Pause(self)
                self._kernel.timers.add(self._kernel.clock.now() + ATTEMPT_DELAY, self.pause)
            return
        if not self._running:
            first, *others = self._errors
            for other in others:
                first.add_note(f"and: {other}")
            self._end().throw(first)

    def lost(self, attempt: Connecting, error: OSError) -> None:
        """`attempt` has failed: start the next one at once."""
        self._give_up(attempt)
        self._note(attempt.address, error)
        self._end_pause()
        self.start_next()

    def won(self, attempt: Connecting) -> None:
        """`attempt` has succeeded: give up the others, and wake the task."""
        self._running.remove(attempt)
        self._give_up_all()
        self._end().wake(attempt.socket)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._give_up_all()
        self._end()

    def _give_up_all(self) -> None:
        self._end_pause()
        for attempt in list(self._running):
            self._give_up(attempt)

    def _end(self) -> Task[Any]:
        """Let go of the task, and return it; the caller wakes it."""
        task = self.task
        del self.task
        return task

    def _give_up(self, attempt: Connecting) -> None:
        self._running.remove(attempt)
        self._kernel.poller.unwatch(attempt.socket.fileno(), True)
        attempt.socket.close()

    def _end_pause(self) -> None:
        if self.pause is not None:
            self._kernel.timers.cancel(self.pause)
            self.pause = None

    def _note(self, address: str, error: OSError) -> None:
        where = self.name if address == self.name else f"{self.name}, at {address}"
        # Without the frames that the error came through: these hold the task, and if that ended with the error, the two
        # would hold each other.
        self._errors.append(locate(error, f"connecting to {where}").with_traceback(None))

    def __repr__(self) -> str:
        return f"open_connection({self.name})"


def open_connection(host: Host, port: int, *, ssl: SSL = None, server_hostname: str | None = None,
                    local_address: tuple[Host, int] | None = None) -> Syscall[Stream]:
    """Connect to a TCP server; the answer is a `Stream`, which `async with` closes.

    `host` is an IP address, or a name, which a thread looks up; None is this machine. If a name has several addresses,
    they are tried as RFC 8305 says. `ssl=True` or an `ssl.SSLContext` puts TLS on the connection; the certificate is
    verified against `server_hostname`, by default `host`. `local_address` is the host and the port to connect from.

    Raises the matching `OSError` (`ConnectionRefusedError`, `socket.gaierror`, ...) or `ssl.SSLError`, with the host
    and the port in the message, and `TypeError` or `ValueError`, at the call, for wrong arguments. There is no time
    limit: use `timeout`. Cancellation ends the wait at once, and leaves no connection behind.
    """
    check_address(host, port, "open_connection")
    if local_address is not None:
        check_local_address(local_address, "open_connection")
    _check_tls(ssl, server_hostname)
    return call(_open_connection(host, port, ssl, server_hostname, local_address))


async def _open_connection(host: Host, port: int, ssl: SSL, server_hostname: str | None,
                           local_address: tuple[Host, int] | None) -> Stream:
    targets = alternate(await resolve(host, port))
    local = [] if local_address is None else await resolve(*local_address, passive=True)
    name = show_address((host or "localhost", port))
    sock = await Race(targets, local, name)
    stream = Stream.of_socket(sock, name)
    if ssl:
        await _secure(stream, ssl, server_hostname or host or "localhost")
    return stream


def open_unix_connection(path: str | bytes | os.PathLike[str], *, ssl: SSL = None,
                         server_hostname: str | None = None) -> Syscall[Stream]:
    """Connect to the Unix socket `path`; the answer is a `Stream`. Raises and is cancelled as `open_connection` is.

    With `ssl`, `server_hostname` has to be given, else `ValueError`.
    """
    _check_tls(ssl, server_hostname)
    if ssl and server_hostname is None:
        raise ValueError("open_unix_connection() with TLS takes the server_hostname which the certificate is to be "
                         "verified against")
    return call(_open_unix_connection(path, ssl, server_hostname))


async def _open_unix_connection(path: str | bytes | os.PathLike[str], ssl: SSL, server_hostname: str | None) -> Stream:
    address = os.fspath(path)
    name = show_address(address)
    stream = Stream.of_socket(await Race([Address(socket.AF_UNIX, address)], [], name), name)
    if ssl:
        await _secure(stream, ssl, server_hostname)
    return stream


def _check_tls(ssl: SSL, server_hostname: str | None) -> None:
    if ssl not in (None, False, True) and not is_context(ssl):
        raise TypeError(f"ssl is True, an ssl.SSLContext or None, not {ssl!r}")
    if not ssl and server_hostname is not None:
        raise ValueError("server_hostname was given without ssl, which alone has use for it")


async def _secure(stream: Stream, ssl: SSL, server_hostname: str | None) -> None:
    await stream.start_tls(None if isinstance(ssl, bool) else ssl, server_hostname=server_hostname)
