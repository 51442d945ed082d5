"""A job: an ordinary function that runs in a thread or in another process, and the task that waits for its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, TypeVar

from ..checks import made_before
from ..core import Kernel
from ..sync.functions import is_async
from ..sync.shields import Shielded
from ..syscalls import Syscall
from ..task import Task

T = TypeVar("T")


class Job(Syscall[T]):
    """Wait for a function that runs elsewhere; the base of `RunInThread` and `RunInProcess`.

    With `abandon`, a cancellation ends the wait. Without it, the task is shielded while the function runs: the task
    gets the answer first, and `Cancelled` is raised where it suspends next.
    """

    caller: ClassVar[str]  # the function that makes the request

    __slots__ = ("_abandon", "_args", "_function", "_made", "_section", "_task")

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], abandon: bool) -> None:
        self._function = function
        self._args = args
        self._abandon = abandon
        self._made = False
        self._task: Task[Any] | None = None
        self._section: Shielded | None = None

    def _make(self, task: Task[Any]) -> None:
        """`task` makes the request. `RuntimeError` when it was made before: there is one answer, for one task."""
        if self._made:
            raise made_before(self, task)
        self._made = True
        self._task = task

    def _started(self, kernel: Kernel, future: Future[T], at_work: dict[Future[Any], str]) -> None:
        """Note that the function is at work, and that `_finish` is to wake the task when `future` is done."""
        assert self._task is not None
        if not self._abandon:
            self._section = Shielded()
            self._section.enter(self._task)
        at_work[future] = name_of(self._function)
        kernel.calls.at_work += 1
        future.add_done_callback(partial(self._ended, kernel))

    def _ended(self, kernel: Kernel, future: Future[T]) -> None:
        """In any thread: the function has ended. Call `_finish` in the kernel's thread."""
        with suppress(RuntimeError):  # the kernel is closed: Ctrl-C has kept it from waiting for the function
            kernel.call_from_thread(self._finish, kernel, future)

    def _finish(self, kernel: Kernel, future: Future[T]) -> None:
        """The function has ended, or its call was cancelled before it started: wake the task, if that still waits."""
        kernel.calls.at_work -= 1
        if future.cancelled():
            return
        error = future.exception()
        task, self._task = self._task, None
        if task is None:
            if error is not None:
                kernel.report(f"{self} failed after the task that waited for it was cancelled", error)
            return
        self._unshield()
        if error is None:
            task.wake(future.result())
        else:
            task.throw(error)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._task = None
        self._unshield()

    def _unshield(self) -> None:
        if self._section is not None:
            self._section.leave()
            self._section = None

    def __repr__(self) -> str:
        return f"{self.caller}({name_of(self._function)})"


def name_of(function: Callable[..., Any]) -> str:
    """The function's name, for messages. Not its `repr`, which may be long or may raise."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def check_function(function: object, caller: str) -> None:
    """Raise the `TypeError` that says why `function` cannot be called in a thread or a process, if it cannot."""
    if not callable(function):
        raise TypeError(f"{caller}() takes a function and its arguments, not {function!r}")
    if is_async(function):
        raise TypeError(f"{caller}() takes an ordinary function, and {name_of(function)} is an async function; "
                        "await it, or spawn() it, in the kernel")


def await_end(kernel: Kernel, workers: str, at_work: dict[Future[Any], str]) -> bool:
    """Wait until all functions in `at_work` have ended, for the kernel's grace at most; report those that have not.

    This blocks the thread. True when all have ended in time.
    """
    late = wait(at_work, timeout=kernel.grace).not_done
    if late:
        report_late(kernel, workers, [at_work[future] for future in late])
    return not late


def report_late(kernel: Kernel, workers: str, names: list[str]) -> None:
    """Report the functions with these `names`, which have not ended within the kernel's grace."""
    kernel.report(f"the kernel cannot close while {workers} are at work on: {', '.join(sorted(names))}",
                  TimeoutError(f"still running after {kernel.grace:g} s"))
