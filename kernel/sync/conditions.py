"""Conditions: waiting, without the lock, for a change that another task makes while holding it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, TypeVar

from ..checks import check_count
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .blocks import ANSWERED
from .locks import Acquire, Lock
from .shields import Shielded
from .waiting import Line, Steps

T = TypeVar("T")


class Notification(Syscall[None]):
    """Release a condition's lock, and wait to be notified and to get the lock back."""

    __slots__ = ("_condition", "came", "depth")

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self.came = False
        self.depth = 1

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self.depth = self._condition.lock.request.hand_over()
        self._condition.waiters[task] = self
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self._condition.waiters[task]

    def __repr__(self) -> str:
        return f"<{self._condition!r}>.wait()"


class Reacquire(Syscall[None]):
    """Wait for a lock that is to be held as often as it was before."""

    __slots__ = ("_acquire", "_depth")

    def __init__(self, acquire: Acquire, depth: int) -> None:
        self._acquire = acquire
        self._depth = depth

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._acquire.owner is not None:
            self._acquire.enqueue(task, self._depth)
            return False
        self._acquire.owner, self._acquire.depth = task, self._depth
        return True

    def __repr__(self) -> str:
        return repr(self._acquire)


class ConditionWait(Steps[None]):
    """Wait for a condition, and hold its lock again afterwards in any case."""

    __slots__ = ("_condition",)

    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def steps(self) -> Generator[Any, Any, None]:
        condition = self._condition
        condition.lock.request.check_owner("wait on the condition of")
        task = condition.lock.owner
        assert task is not None
        notification, section = Notification(condition), Shielded()
        try:
            yield notification
        except task.cancelled_type:
            # The block around this will release the lock, so the task needs it back before it may go.
            section.enter(task)
            try:
                yield Reacquire(condition.lock.request, notification.depth)
            finally:
                section.leave()
            if notification.came:
                condition.notify()  # it was for one who can use it
            raise
        finally:
            del task, section  # or the exception would hold, by its traceback and this frame, the task that ends by it

    def __repr__(self) -> str:
        return f"<{self._condition!r}>.wait()"


class ConditionWaitFor(Steps[T]):
    """Wait until a predicate is true."""

    __slots__ = ("_condition", "_predicate")

    def __init__(self, condition: Condition, predicate: Callable[[], T]) -> None:
        self._condition = condition
        self._predicate = predicate

    def steps(self) -> Generator[Any, Any, T]:
        while not (result := self._predicate()):
            yield from self._condition.wait()
        return result

    def __repr__(self) -> str:
        return f"<{self._condition!r}>.wait_for(...)"


class Condition:
    """A lock, and a place to wait in, without it, for a change that another task makes while holding it.

    `async with condition:` holds the lock, which is a new `Lock` or the one given (an `RLock` too). A task that is
    notified goes to the line of the lock; it does not run before it has it.
    """

    __slots__ = ("lock", "waiters")

    def __init__(self, lock: Lock | None = None) -> None:
        if not isinstance(lock, Lock | None):
            raise TypeError(f"Condition() takes a Lock or an RLock of this library, not {lock!r}")
        self.lock = Lock() if lock is None else lock
        self.waiters: Line[Notification] = OrderedDict()

    def locked(self) -> bool:
        return self.lock.locked()

    def acquire(self) -> Syscall[None]:
        """As `Lock.acquire`."""
        return self.lock.acquire()

    def release(self) -> None:
        """As `Lock.release`."""
        self.lock.release()

    def wait(self) -> Syscall[None]:
        """Release the lock, wait to be notified, and acquire the lock again; `RuntimeError` without it.

        Cancellation ends the wait; it is raised when the lock has been acquired again, and the notification that had
        come already, if one had, goes to the next that waits.
        """
        return ConditionWait(self)

    def wait_for(self, predicate: Callable[[], T]) -> Syscall[T]:
        """Wait until `predicate()` is true, asking it first and after each notification; the answer is its value.

        Raises `TypeError` for what is not a function, or is one of the `async def` kind, whose value is always true.
        """
        if not callable(predicate) or iscoroutinefunction(predicate):
            raise TypeError(f"wait_for() takes a plain function, which says whether to go on, not {predicate!r}")
        return ConditionWaitFor(self, predicate)

    def notify(self, n: int = 1) -> None:
        """Have the first `n` that wait go on, once they get the lock; `RuntimeError` without the lock."""
        check_count(n, 0, "notify() takes how many tasks are to go on")
        self.lock.request.check_owner("notify the condition of")
        for _ in range(min(n, len(self.waiters))):
            task, notification = self.waiters.popitem(last=False)
            notification.came = True
            self.lock.request.enqueue(task, notification.depth)
            if task.kernel.tap is not None:
                task.kernel.tap.moved(task)

    def notify_all(self) -> None:
        """Have all that wait go on, one after the other; `RuntimeError` without the lock."""
        self.notify(len(self.waiters))

    def __aenter__(self) -> Syscall[None]:
        return self.lock.acquire()

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        owner = self.lock.owner
        # A task that is thrown away while it waits to be notified does not hold the lock, and cannot wait for it.
        if kind is not GeneratorExit or owner is not None and owner.kernel.current is owner:
            self.lock.release()
        return ANSWERED

    def __repr__(self) -> str:
        return f"Condition of {self.lock!r}, {len(self.waiters)} waiting"
