"""Locks: one task at a time holds a lock, and only that task can release it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Any, ClassVar

from ..core import Kernel
from ..deadlock import Deadlock
from ..syscalls import Syscall
from ..task import Task
from .blocks import Held
from .waiting import Line, WaitInLine


class Acquire(WaitInLine[None]):
    """Wait for a lock. Holds the lock's state; all who wait share it."""

    __slots__ = ("depth", "kind", "owner")

    def __init__(self, kind: type[Lock]) -> None:
        self.kind = kind
        self.owner: Task[Any] | None = None
        self.depth = 1  # how often the owner has acquired it
        self.waiters: Line[int] = OrderedDict()  # the tasks that wait, each with its depth once it is the owner

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.owner is None:
            self.owner = task
            return True
        return self.taken(task)

    def taken(self, task: Task[Any]) -> bool:
        """Make `task` wait for the lock, which is held."""
        if self.owner is task:
            raise Deadlock(f"{task} would wait for itself", [task], "(An RLock can be acquired again by its owner.)")
        self.waiters[task] = 1
        return False

    def hand_over(self) -> int:
        """Make the first task in the line the owner, or free the lock when nobody waits. Return the depth until now."""
        depth = self.depth
        if self.waiters:
            self.owner, self.depth = self.waiters.popitem(last=False)
            self.owner.wake()
        else:
            self.owner = None
            self.depth = 1
        return depth

    def enqueue(self, task: Task[Any], depth: int) -> None:
        """Make `task`, which is blocked on something else, wait for the lock instead; its depth will be `depth`."""
        self.waiters[task] = depth
        task.blocked_on = self

    def check_owner(self, action: str) -> None:
        """Raise `RuntimeError` unless the running task holds the lock."""
        owner = self.owner
        if owner is None:
            raise RuntimeError(f"cannot {action} {self.describe()}, which nobody holds; acquire it first")
        who = owner.kernel.current
        if who is not owner:
            raise RuntimeError(f"{who or 'code outside of tasks'} cannot {action} {self.describe()}; "
                               "only the task that holds it can")

    def describe(self) -> str:
        if self.owner is None:
            return f"{self.kind.__name__} held by nobody"
        return f"{self.kind.__name__} held by {self.owner}{', which has ended' if self.owner.done() else ''}"

    def __repr__(self) -> str:
        return f"<{self.describe()}>.acquire()"


class AcquireAgain(Acquire):
    """Wait for an `RLock`, which its owner can acquire again."""

    __slots__ = ()

    def taken(self, task: Task[Any]) -> bool:
        if self.owner is task:
            self.depth += 1
            return True
        self.waiters[task] = 1
        return False


class Lock(Held):
    """A lock. One task at a time holds it, and only that task can release it.

    Use `async with lock:`, or `await lock.acquire()` and then `lock.release()`. The tasks that wait get the lock in the
    order in which they came. A task that acquires it a second time would wait for itself: it gets a `Deadlock` at once.
    """

    __slots__ = ("request",)
    request_type: ClassVar[type[Acquire]] = Acquire

    def __init__(self) -> None:
        self.request = self.request_type(type(self))

    def locked(self) -> bool:
        """Whether a task holds the lock."""
        return self.request.owner is not None

    def acquire(self) -> Syscall[None]:
        """Wait until the lock is free, and take it; answered at once when it is. Cancellation ends the wait at once.

        A task can be cancelled after the lock was handed to it and before it runs. Then it holds the lock, and
        `Cancelled` is raised where it suspends next. Raises `Deadlock` when the task holds the lock already and
        it is no `RLock`.
        """
        return self.request

    def release(self) -> None:
        """Hand the lock to the first task that waits. `RuntimeError` in a task that does not hold it."""
        request = self.request
        owner = request.owner
        if owner is None or owner.kernel.current is not owner:
            request.check_owner("release")
        request.hand_over()

    @property
    def owner(self) -> Task[Any] | None:
        """The task that holds the lock."""
        return self.request.owner

    @property
    def depth(self) -> int:
        """How many times the owner has acquired the lock and not released it; 1 when nobody holds it."""
        return self.request.depth

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait for the lock."""
        return self.request.waiters

    def __aenter__(self) -> Syscall[None]:
        return self.request

    def __repr__(self) -> str:
        return self.request.describe()


class RLock(Lock):
    """A lock that its owner can acquire again. The owner has to release it as often as it has acquired it."""

    __slots__ = ()
    request_type = AcquireAgain

    def release(self) -> None:
        """Undo one `acquire`; after the last, hand the lock on. `RuntimeError` in a task that does not hold it."""
        self.request.check_owner("release")
        if self.request.depth > 1:
            self.request.depth -= 1
        else:
            self.request.hand_over()
