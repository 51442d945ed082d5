"""Ordinary functions, which run in other processes while the kernel goes on.

Ctrl-C in a terminal reaches every process of the program. Here only the kernel's process acts on it. The worker
processes ignore it; they end when the kernel closes, or when the kernel's process is gone.
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
            # Imported here to save start-up time: few programs need these two, and importing them takes a fifth of the
            # time that importing the kernel takes.
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            # This process has threads. In a forked copy their locks might stay held for ever, so a worker is started
            # afresh ("spawn").
            self.pool = ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_begin)
        try:
            with _deaf():
                return self.pool.submit(function, *args)
        except BrokenExecutor:  # a process has died while no function was at work
            self.discard(self.pool)
            return self.submit(function, args)

    def discard(self, pool: ProcessPoolExecutor | None) -> None:
        """Get rid of a pool in which a process has died; the next call makes a new pool."""
        if pool is not None and pool is self.pool:
            self.pool = None
            # The pool has told its other processes to end, but it may have missed one that it was just starting.
            _kill(pool)
            pool.shutdown()

    def close(self, kill: bool) -> None:
        """End every process: kill it, or let it end by itself."""
        self.killed = kill
        if self.pool is not None:
            if kill:
                _kill(self.pool)
            self.pool.shutdown()


@contextmanager
def _deaf() -> Iterator[None]:
    """Block SIGINT while a process may be started: the new process begins with it blocked, until `_begin` runs there.

    From `_begin` on, the new process ignores Ctrl-C. Without the block, a Ctrl-C that comes earlier would end it.
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
    """In a new worker process, before its first function: ignore Ctrl-C, and watch over the kernel's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with_kernel, name="end with the kernel", daemon=True).start()


def _end_with_kernel() -> None:
    """In a worker process: wait until the kernel's process is gone, then end. If it was killed, it could not say so."""
    from multiprocessing import parent_process  # here to save start-up time: only a worker needs it

    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):  # before Python 3.14 there is no public way to them
        process.kill()


@contextmanager
def workers(kernel: Kernel) -> Iterator[Workers]:
    """The kernel's processes. When the kernel closes, it kills them all if a function is at work after its grace."""
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
        del self._pool, self._future  # the future's exception refers to this request, through a frame of its traceback
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            future = Future()
            if processes.killed:
                future.cancel()  # `await_end` has reported the function
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

    Use it for work that keeps a processor busy: in the kernel's own process no task could run meanwhile. There are at
    most as many worker processes as processors. Each is made when it is first needed, and kept until the kernel closes.
    A worker starts afresh and imports the program's main module, which has to keep what starts the program behind
    `if __name__ == "__main__":`. Function, arguments and value are pickled. Workers ignore Ctrl-C. They end with the
    kernel, also when its process is killed. On POSIX `multiprocessing` keeps one small process of its own, the resource
    tracker, until the program ends.

    Cancellation works as in `run_in_thread`. A call that was not yet passed to a process is never made. One that was
    cannot be stopped: with `abandon` the task goes on at once, without it the task waits for the end. When the kernel
    closes it gives the functions at work its `grace`. If one is at work after that, it kills the processes.

    When a worker dies suddenly, all calls under way end: each raises `concurrent.futures.process.BrokenProcessPool`,
    and the next call gets new processes. Raises `TypeError` as `run_in_thread` does.
    """
    check_function(function, "run_in_process")
    return RunInProcess(function, args, abandon)
