"""Ordinary blocking functions, run in threads while the kernel goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .syscalls import Syscall

if TYPE_CHECKING:
    from .core import Kernel
    from .task import Task

T = TypeVar("T")


class Pool:
    """The threads of one kernel, and the functions they are at work on."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(thread_name_prefix="kernel")
        self.at_work: dict[Future[Any], str] = {}


@contextmanager
def pool(kernel: Kernel) -> Iterator[Pool]:
    """The kernel's pool, whose functions are waited for when the kernel closes: a thread cannot be killed."""
    threads = Pool()
    yield threads
    if wait(threads.at_work, timeout=kernel.grace).not_done:
        names = ", ".join(sorted(threads.at_work.values()))
        kernel.report(f"the kernel cannot close while threads are at work on: {names}",
                      TimeoutError(f"still running after {kernel.grace:g} s"))
    threads.executor.shutdown()


class RunInThread(Syscall[T]):
    """Wait for a function that runs in a thread."""

    __slots__ = ("_args", "_function", "_future", "_task")

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._task: Task[Any] | None = None

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        threads = kernel.resource(pool)
        self._task = task
        self._future = threads.executor.submit(task.context.copy().run, self._function, *self._args)
        threads.at_work[self._future] = self._name
        kernel.threads_at_work += 1
        self._future.add_done_callback(lambda future: kernel.call_from_thread(self._finish, kernel))
        return False

    def _finish(self, kernel: Kernel) -> None:
        kernel.threads_at_work -= 1
        del kernel.resource(pool).at_work[self._future]
        if self._future.cancelled():
            return  # before it started
        error = self._future.exception()
        if self._task is None:
            if error is not None:
                kernel.report(f"{self} failed after the task that waited for it was cancelled", error)
        elif error is not None:
            self._task.throw(error)
        else:
            self._task.wake(self._future.result())

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._task = None
        self._future.cancel()

    @property
    def _name(self) -> str:
        return getattr(self._function, "__qualname__", repr(self._function))

    def __repr__(self) -> str:
        return f"RunInThread({self._name})"


def run_in_thread(function: Callable[..., T], *args: Any) -> Syscall[T]:
    """Call `function(*args)` in a thread, in a copy of this task's context; the answer is its value or its exception.

    Cancelling the task abandons the function: one that has not started never will; one that has goes on, its value is
    dropped and its exception goes to the kernel's exception hook. When the kernel closes it waits for all of them.
    There are as many threads at most as `concurrent.futures.ThreadPoolExecutor` has by default; more functions queue.
    """
    if not callable(function):
        raise TypeError(f"run_in_thread() takes a function and its arguments, not {function!r}")
    return RunInThread(function, args)
