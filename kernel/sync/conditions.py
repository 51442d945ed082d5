"""Conditions: a task waits, without the lock, for a change that another task makes while it holds the lock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, TypeVar

from ..checks import check_count
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .blocks import ANSWERED
from .functions import is_async
from .locks import Acquire, Lock
from .shields import Shielded
from .waiting import Line, Steps

T = TypeVar("T")


class Notification(Syscall[None]):
    """Release a condition's lock; wait for `notify`, which moves the task to the lock's line, and then for the lock."""

    __slots__ = ("came", "condition", "depth")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.came = False
        self.depth = 1

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self.depth = self.condition.lock.request.hand_over()
        self.condition.waiters[task] = self
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.condition.waiters[task]

    def __repr__(self) -> str:
        return f"<{self.condition!r}>.wait()"


class Reacquire(Syscall[None]):
    """Wait for a lock, and hold it with the same depth as before."""

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
    """Wait for a condition. Afterwards the task holds the lock again, whether it was notified or cancelled."""

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
            # The block around this will release the lock, so the task has to hold it before the exception goes on.
            section.enter(task)
            try:
                yield Reacquire(condition.lock.request, notification.depth)
            finally:
                section.leave()
            if notification.came:
                condition.notify()  # this task cannot use the notification: the next one gets it
            raise
        finally:
            del task, section  # else the task and the exception, whose traceback has this frame, would hold each other

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
    """A lock, and a place to wait, without the lock, for a change that another task makes while it holds the lock.

    `async with condition:` holds the lock. That is a new `Lock`, or the `Lock` or `RLock` given; anything else raises
    `TypeError`. `notify` moves a task from here to the line of the lock, so the task runs only when it has the lock.
    """

    __slots__ = ("lock", "waiters")

    def __init__(self, lock: Lock | None = None) -> None:
        if not isinstance(lock, Lock | None):
            raise TypeError(f"Condition() takes a Lock or an RLock of this library, not {lock!r}")
        self.lock = Lock() if lock is None else lock
        self.waiters: Line[Notification] = OrderedDict()

    def locked(self) -> bool:
        """Whether a task holds the lock."""
        return self.lock.locked()

    def acquire(self) -> Syscall[None]:
        """As `Lock.acquire`."""
        return self.lock.acquire()

    def release(self) -> None:
        """As `Lock.release`."""
        self.lock.release()

    def wait(self) -> Syscall[None]:
        """Release the lock, wait for `notify`, and acquire the lock again. `RuntimeError` without the lock.

        A cancellation ends the wait, but `Cancelled` is raised only when the task has acquired the lock again. If the
        task had been notified and still waited for the lock, the next task that waits is notified instead.
        """
        return ConditionWait(self)

    def wait_for(self, predicate: Callable[[], T]) -> Syscall[T]:
        """Wait until `predicate()` is true; the answer is its value.

        The predicate is called at once, and again after each notification. Raises and is cancelled as `wait` is. Raises
        `TypeError`, at the call, for what is not a function, and for an `async def` function, whose value would always
        be true.
        """
        if not callable(predicate) or is_async(predicate):
            raise TypeError(f"wait_for() takes a plain function, which says whether to go on, not {predicate!r}")
        return ConditionWaitFor(self, predicate)

    def notify(self, n: int = 1) -> None:
        """Let the first `n` tasks that wait go on, each when it gets the lock. `RuntimeError` without the lock.

        Raises `TypeError` when `n` is not an integer, and `ValueError` when it is negative.
        """
        check_count(n, 0, "notify() takes how many tasks are to go on")
        self.lock.request.check_owner("notify the condition of")
        for _ in range(min(n, len(self.waiters))):
            task, notification = self.waiters.popitem(last=False)
            notification.came = True
            self.lock.request.enqueue(task, notification.depth)
            if task.kernel.tap is not None:
                task.kernel.tap.moved(task)

    def notify_all(self) -> None:
        """Let all tasks that wait go on, each when it gets the lock. `RuntimeError` without the lock."""
        self.notify(len(self.waiters))

    def __aenter__(self) -> Syscall[None]:
        return self.lock.acquire()

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        owner = self.lock.owner
        # A task that is thrown away while it waits to be notified does not hold the lock, and cannot wait to get it.
        if kind is not GeneratorExit or owner is not None and owner.kernel.current is owner:
            self.lock.release()
        return ANSWERED

    def __repr__(self) -> str:
        return f"Condition of {self.lock!r}, {len(self.waiters)} waiting"
