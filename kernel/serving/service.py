"""Offering this process to tools of its user and of root: a Unix socket, and one daemon thread that serves it.

One thread serves all tools, so that it can be stopped before a fork and started again after it. Python warns of a fork
while other threads run, and the child would have the thread's locks without the thread. A process that offers itself
has three descriptors more, and another one for each tool that has connected.
"""

from __future__ import annotations

import atexit
import math
import os
import select
import signal
import socket
import stat
import sys
import threading
import time

from ..devices.wakers import Waker
from .connection import PATIENCE, Connection
from .fork_warning import gone, hold_back
from .places import identity, is_refused, own_directory, peer_of, socket_in

VARIABLE = "TRAMPOLINE_INSIGHT"  # in the environment: every process that imports the kernel offers itself
MOST_TOOLS = 16
BACKLOG = 128  # tools that have not been let in yet
LONG = 1.0  # seconds that a fork, or the exit, waits for an answer that is being made


class Service:
    """The socket, the thread, and the tools that have connected. If not `lasting`, it ends with the last of them.

    `patience` is how many seconds a tool may take for its request, and for each part of the answer.
    """

    def __init__(self, lasting: bool, patience: float) -> None:
        self.ended = False
        self._lasting = lasting
        self._patience = patience
        self._path = socket_in(own_directory(), os.getpid())
        self._waker = Waker()
        self._listener = listening_at(self._path)
        self._inode = os.lstat(self._path).st_ino
        self._files = {fd: identity(fd) for fd in (self._waker.source, self._waker.target, self._listener.fileno())}
        self._connections: dict[int, Connection] = {}  # by their descriptors
        self._accepts_from = 0.0
        self._visited_by = time.monotonic() + patience  # unless it is lasting
        self._guard = threading.Lock()  # held while it ends by itself, and while that is put off
        try:
            self.start()
        except OSError:
            self.close()
            raise

    def start(self) -> None:
        """Begin to serve, or go on with it. `OSError` when the system has no thread."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(self._stopping,), name="kernel insight", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise OSError(f"no thread can be started: {error}") from None

    def stop(self) -> None:
        """Have the thread end, after the answer that it is making. One that takes too long for that ends later."""
        self._stopping.set()
        self.wake()
        self._thread.join(LONG)
        gone(self._thread.native_id)

    def prolong(self, lasting: bool) -> bool:
        """Have it last, or wait for one more tool; False when it has ended already."""
        with self._guard:
            self._lasting = self._lasting or lasting
            self._visited_by = time.monotonic() + self._patience
            return not self.ended

    def wake(self) -> None:
        """Have the thread look for something to do."""
        target = self._waker.target
        if identity(target) == self._files.get(target):  # else it is another file by now
            self._waker.wake()

    def close(self) -> None:
        """Close everything, and remove the socket's file if it is still ours."""
        for connection in self._connections.values():
            connection.end()
        self.release()
        try:
            if os.lstat(self._path).st_ino == self._inode:
                os.unlink(self._path)
        except OSError:
            pass  # it has gone, or the process has given its rights up: tools see that nobody listens there

    def release(self) -> None:
        """Close the descriptors that are still ours."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        if self._is_intact():
            self._listener.close()
        else:  # the numbers may mean other files by now
            self._listener.detach()
            self._waker.source = self._waker.target = -1
        self._waker.close()

    def _is_intact(self) -> bool:
        """Whether the program has left our descriptors open."""
        return all(identity(fd) == file for fd, file in self._files.items())

    def _serve(self, stopping: threading.Event) -> None:
        # A signal is for the threads of the program.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while not stopping.is_set() and not self._ends():
            self._serve_once()
        if not self.ended:
            self.wake()  # whoever serves now may have an answer to send that has been made here meanwhile

    def _ends(self) -> bool:
        """End by itself, if there is a reason to."""
        with self._guard:
            visited = self._lasting or self._connections or time.monotonic() < self._visited_by
            if not visited or not self._is_intact():
                self.ended = True
                self.close()
            return self.ended

    def _serve_once(self) -> None:
        """Wait for something to do, and do it."""
        poll = select.poll()
        poll.register(self._waker.source, select.POLLIN)
        listener = self._listener.fileno()
        if self._accepts_from <= time.monotonic():
            poll.register(listener, select.POLLIN)
        for fd, connection in self._connections.items():
            poll.register(fd, connection.events())
        happened = poll.poll(self._patience_left())
        if not self._is_intact():
            return
        for fd, events in happened:
            if fd == self._waker.source:
                self._waker.drain()
            elif fd == listener:
                self._accept()
            elif (found := self._connections.get(fd)) is not None and not found.handle(events):
                self._drop(fd)
        now = time.monotonic()
        for fd, connection in list(self._connections.items()):
            if connection.deadline() <= now:
                self._drop(fd)

    def _patience_left(self) -> float | None:
        """Milliseconds until something is due; None for ever."""
        deadlines = [min(connection.deadline(), connection.due()) for connection in self._connections.values()]
        if not self._lasting:
            deadlines.append(self._visited_by if not self._connections else math.inf)
        now = time.monotonic()
        if self._accepts_from > now:
            deadlines.append(self._accepts_from)
        soonest = min(deadlines, default=math.inf)
        return None if soonest == math.inf else max(0.0, soonest - now) * 1000 + 1

    def _drop(self, fd: int) -> None:
        connection = self._connections.pop(fd)
        connection.end()
        connection.close()
        if not self._connections:
            self._visited_by = 0.0

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # there are no descriptors or no memory for it
            self._accepts_from = time.monotonic() + 1.0
            return
        connection = Connection(sock, self.wake, self._patience)
        if peer_of(sock)[1] not in (os.geteuid(), 0):
            connection.close()
        elif len(self._connections) >= MOST_TOOLS:
            connection.refuse(f"{MOST_TOOLS} tools are connected to this process already; end one of them")
            connection.handle(select.POLLOUT)
            connection.close()
        else:
            self._connections[sock.fileno()] = connection


def listening_at(path: str) -> socket.socket:
    """A socket that listens at `path`, in the place of one that a process has left which had our number before."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        if os.path.lexists(path):
            if stat.S_ISSOCK(os.lstat(path).st_mode) and not is_refused(path):
                raise FileExistsError(f"{path} is in use by another process, which has this one's number elsewhere")
            os.unlink(path)
        sock.bind(path)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


_lock = threading.RLock()
_service: Service | None = None


def offer(*, patience: float = PATIENCE) -> None:
    """Let tools of this process's user, and of root, look into it: `trampoline ps PID` and the like.

    The process listens on a Unix socket, in a directory that only its user can enter, until it ends or calls
    `withdraw`. To offer it twice is harmless. A child process made by `os.fork` offers itself anew only if the
    environment variable `TRAMPOLINE_INSIGHT` is set. A tool has `patience` seconds for its request. Raises `OSError`
    when it is impossible: the directory is not safe, there is no thread or no descriptor left, or the system does not
    say who has connected.
    """
    _offer(True, patience)


def offer_for_a_visit() -> None:
    """The same, until the last tool has gone, or none has come for 10 seconds."""
    _offer(False, PATIENCE)


def _offer(lasting: bool, patience: float) -> None:
    global _service
    if not hasattr(socket, "SO_PEERCRED") or not hasattr(select, "poll"):
        raise OSError(f"a process cannot offer itself on {sys.platform}, where a Unix socket does not tell who connects")
    with _lock:
        if _service is None or not _service.prolong(lasting):
            _service = Service(lasting, patience)


def offer_if_asked() -> None:
    """Offer this process if the environment asks for it. When that is impossible, say so, and go on."""
    if os.environ.get(VARIABLE, "0") not in ("", "0"):
        try:
            offer()
        except OSError as error:
            print(f"{VARIABLE} is set, but this process cannot be looked into: {error}", file=sys.stderr)


def withdraw() -> None:
    """Offer this process no longer. Tools that have connected are cut off. Harmless when it does not offer itself."""
    global _service
    with _lock:
        service, _service = _service, None
        if service is not None and not service.ended:
            service.stop()
            service.close()


def _before_fork() -> None:
    _lock.acquire()
    if _service is not None and not _service.ended:
        _service.stop()
        hold_back()


def _after_fork_in_parent() -> None:
    global _service
    try:
        if _service is not None and not _service.ended:
            _service.start()
    except OSError:  # no thread can be started any more: as if the program had withdrawn
        _service.close()  # type: ignore[union-attr]  # by the line above
        _service = None
    finally:
        _lock.release()


def _after_fork_in_child() -> None:
    global _lock, _service
    _lock = threading.RLock()
    service, _service = _service, None
    if service is not None and not service.ended:
        service.release()
        offer_if_asked()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
atexit.register(withdraw)
