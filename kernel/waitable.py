"""Something to wait for: it completes once, and wakes all who wait."""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .devices.protocols import Waiter as Waiter
from .failures import drop_frame, let_pass, traceback_of
from .syscalls import Syscall

if TYPE_CHECKING:
    from .core import Kernel
    from .task import Task

T = TypeVar("T")


class Waitable(Syscall[T]):
    """Something that completes once, with a value or an exception, and then wakes all who wait for it, in order.

    `await waitable` gives the value or raises the exception, at once when it is there already. A bare `Waitable()` is
    a mailbox between tasks: one awaits it, another calls `complete` or `fail`. A `Task` is a Waitable.
    """

    __slots__ = ("_done", "_exception", "_result", "_traceback", "_waiters")

    def __init__(self) -> None:
        self._done = False
        self._result: T | None = None
        self._exception: BaseException | None = None
        self._traceback: TracebackType | None
        # Nobody, the one who waits, or a dict of more: an ordered set, which a cancelled waiter leaves in constant time.
        self._waiters: Waiter | dict[Waiter, None] | None = None

    told_when_done = property(lambda self: self._waiters, doc="Nobody, one or a dict of more; to show who waits.")

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        """The value, or raise the exception; `RuntimeError` when there is neither yet."""
        if not self._done:
            raise RuntimeError(f"{self!r} has no result yet; wait for it first")
        if self._exception is not None:
            try:
                raise self._failure()
            finally:
                del self  # or the exception would hold, by its traceback and this frame, what holds the exception
        return self._result  # type: ignore[return-value]  # a T since it is done

    def exception(self) -> BaseException | None:
        """The exception, or None where it completed with a value; `RuntimeError` when it is not done yet."""
        if not self._done:
            raise RuntimeError(f"{self!r} has no result yet; wait for it first")
        if self._exception is not None:
            self._retrieved()
        return self._exception

    def complete(self, value: T) -> None:
        """Complete with `value`; `RuntimeError` when it is done already."""
        self._settle(value, None)

    def fail(self, error: BaseException) -> None:
        """Complete with `error`, which is raised in everyone who waits; `RuntimeError` when it is done already."""
        if not isinstance(error, BaseException):
            raise TypeError(f"fail() takes an exception instance, not {error!r}")
        self._settle(None, error)

    def _settle(self, value: T | None, error: BaseException | None) -> None:
        if self._done:
            raise RuntimeError(f"{self!r} is done already")
        self._done = True
        self._result = value
        self._exception = error
        if error is not None:
            # Kept, since whoever it is raised in adds frames to the exception: the next is not to see those.
            self._traceback = traceback_of(error)
        waiters, self._waiters = self._waiters, None
        if waiters is not None:
            if error is not None:
                self._retrieved()
            failures: tuple[BaseException, ...] = ()
            for waiter in waiters if isinstance(waiters, dict) else (waiters,):
                try:
                    if error is None:
                        waiter.wake(value)
                    else:
                        waiter.throw(error)
                except BaseException as failure:  # the others are to be told all the same
                    if getattr(waiter, "blocked_on", self) is self:  # else one before it in the line has cancelled it
                        drop_frame(failure)
                        failures += (failure,)
            if failures:
                try:
                    self._waiters_failed(failures)
                finally:
                    del failures  # or each would hold, by its traceback and this frame, itself

    def _waiters_failed(self, failures: tuple[BaseException, ...]) -> None:
        """Some of those that were to be told have raised: raise that in who completes this."""
        for failure in failures:
            let_pass(failure)
        raise BaseExceptionGroup(f"waiters failed when they were told that {self!r}", failures)

    def add_waiter(self, waiter: Waiter) -> None:
        """Have `waiter` told when this is done: by `waiter.wake(value)`, or by `waiter.throw(error)`.

        It stands in line with the tasks that wait, and is told in its turn, by the call that completes this; at once
        when this is done already. A failure then counts as seen. This is how a task group hears of its tasks' ends.
        It is told once, also when it was added twice. What its method raises does not keep the others from being told.
        That is raised afterwards in who completes this, in an `ExceptionGroup`; where this is a task, it goes to the
        kernel's exception hook. `KeyboardInterrupt` and `SystemExit` are raised as they are.
        """
        if not self._done:
            self._waiters = waiter if self._waiters is None else self._with(waiter)
        elif self._exception is None:
            waiter.wake(self._result)
        else:
            self._retrieved()
            waiter.throw(self._failure())

    def _failure(self) -> BaseException:
        """What to raise in someone who asks for the result."""
        assert self._exception is not None
        return BaseException.with_traceback(self._exception, self._traceback)

    def _retrieved(self) -> None:
        """Someone has seen the exception."""

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._done:
            task.inbox = self.result()
            return True
        self._waiters = task if self._waiters is None else self._with(task)
        return False

    def _with(self, waiter: Waiter) -> dict[Waiter, None]:
        """Those who wait, and `waiter`, who is not the first."""
        assert self._waiters is not None
        waiters = self._waiters if isinstance(self._waiters, dict) else {self._waiters: None}
        waiters[waiter] = None
        return waiters

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        if isinstance(self._waiters, dict):
            del self._waiters[task]
            self._waiters = self._waiters or None
        else:  # it is None already where this is being completed, and one who was told has cancelled `task`
            self._waiters = None

    def __await__(self) -> Generator[Any, Any, T]:
        if self._done:
            return self.result()
        try:
            return (yield self)  # type: ignore[no-any-return]  # the trampoline's answer is of the type asked for
        finally:
            del self  # as in result()

    __iter__ = __await__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'is done' if self._done else 'is not done'}>"


def wait(waitable: Waitable[T]) -> Waitable[T]:
    """Wait for a task, or whatever else is a `Waitable`, and answer with its value or raise its exception.

    The same as waiting for the object itself, with `TypeError` at the call for what cannot be waited for. Cancelling
    the waiting task leaves the one it waits for alone. A task that was cancelled raises `Cancelled` in who waits.
    """
    if not isinstance(waitable, Waitable):
        raise TypeError(f"wait() takes a task or another Waitable, not {waitable!r}")
    return waitable
