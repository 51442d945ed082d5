"""Ordinary functions, run in other processes while the kernel goes on.

Ctrl-C in a terminal reaches every process of the program. The kernel's process decides what becomes of the others: they
ignore it, and end when the kernel closes or its process is gone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .jobs import Job, await_end, check_function, name_of

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

T = TypeVar("T")


class Workers:
    """The worker processes of one kernel, and the functions they are at work on."""

    def __init__(self) -> None:
        self.at_work: dict[Future[Any], str] = {}
        self.killed = False
        self.pool: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[..., T], args: tuple[Any, ...]) -> Future[T]:
        if self.pool is None:
            # Not for every program: importing these takes a fifth of the time that importing the kernel does.
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            # A fork of a process with threads, as this one has, may find their locks held for ever; hence "spawn".
            self.pool = ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_begin)
        try:
            with _deaf():
                return self.pool.submit(function, *args)
        except BrokenExecutor:  # since a process has died while nobody waited
            self.discard(self.pool)
            return self.submit(function, args)

    def discard(self, pool: ProcessPoolExecutor | None) -> None:
        """Get rid of a pool of which a process has died; the next call makes another."""
        if pool is not None and pool is self.pool:
            self.pool = None
            # The pool has told the others to end too, but one that was just being started it may have missed.
            _kill(pool)
            pool.shutdown()

    def close(self, kill: bool) -> None:
        """Let every process end, or make it."""
        self.killed = kill
        if self.pool is not None:
            if kill:
                _kill(self.pool)
            self.pool.shutdown()


@contextmanager
def _deaf() -> Iterator[None]:
    """While inside, SIGINT is blocked, and so it is in a process that is started here until `_begin` runs there.

    The new process ignores Ctrl-C from `_begin` on. Without this, one that comes before would end it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _begin() -> None:
    """In a new worker process: what comes before the first function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with_kernel, name="end with the kernel", daemon=True).start()


def _end_with_kernel() -> None:
    """In a worker process: wait for the end of the kernel's process, which may not have had the time to say so."""
    from multiprocessing import parent_process  # which only a worker needs: start-up time

    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):  # there is no public way to them before Python 3.14
        process.kill()


@contextmanager
def workers(kernel: Kernel) -> Iterator[Workers]:
    """The kernel's processes; when it closes, those that do not end within its grace are killed."""
    processes = Workers()
    in_time = False
    try:
        yield processes
    finally:
        try:
            in_time = await_end(kernel, "processes", processes.at_work)
        finally:
            processes.close(kill=not in_time)


class RunInProcess(Job[T]):
    """Wait for a function that runs in another process."""

    __slots__ = ("_future", "_pool")
    caller = "run_in_process"

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self._make(task)
        processes = kernel.resource(workers)
        self._future = processes.submit(self._function, self._args)
        self._pool = processes.pool
        self._started(kernel, self._future, processes.at_work)
        return False

    def _finish(self, kernel: Kernel, future: Future[T]) -> None:
        processes = kernel.resource(workers)
        del processes.at_work[future]
        pool = self._pool
        del self._pool, self._future  # whose exception holds, by its traceback, this request
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            future = Future()
            if processes.killed:
                future.cancel()  # which has been reported
                return super()._finish(kernel, future)
            processes.discard(pool)
            future.set_exception(type(error)(
                f"a worker process died suddenly, and with it the call of {name_of(self._function)}(), which it or "
                "another was at work on: it was killed, ended itself, or could not import the program's main module "
                "(which needs 'if __name__ == \"__main__\":' around what starts the program)"))
        super()._finish(kernel, future)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        super().abort(kernel, task)
        self._future.cancel()


def run_in_process(function: Callable[..., T], *args: Any, abandon: bool = True) -> Syscall[T]:
    """Call `function(*args)` in another process; the answer is its value or its exception.

    For work that would keep a processor, and so the kernel, busy. There are as many processes as processors, made when
    they are first needed and kept until the kernel closes. They are started afresh and import the program's main
    module, which has to keep what starts the program behind `if __name__ == "__main__":`; function, arguments and
    value are pickled. They ignore Ctrl-C, and end with the kernel, also where its process is killed. On POSIX
    `multiprocessing` leaves one small process of its own, the resource tracker, until the program ends.

    Cancellation as with `run_in_thread`: a call that has not been passed to a process never is; one that has cannot be
    stopped, and is abandoned or waited for. When the kernel closes it gives them its `grace` and then kills them. A
    process that dies suddenly takes all calls under way with it: each raises
    `concurrent.futures.process.BrokenProcessPool`, and the next call gets new processes.
    """
    check_function(function, "run_in_process")
    return RunInProcess(function, args, abandon)
