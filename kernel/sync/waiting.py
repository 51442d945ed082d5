"""Synchronisation between the tasks of one kernel: events, locks, semaphores, conditions, barriers.

All of them work alike. What a task makes is a syscall that is answered at once where it can be, and else leaves the
task in a line, first come, first served. Who releases hands over: the first in line owns the lock before it runs, so
nobody can slip in between, and a cancellation that reaches it afterwards finds an owner, who will release. A waiter
that is cancelled leaves the line in constant time and has nothing to give back.

A `Lock` and the syscall that waits for it are two objects. The syscall, one for all who wait, holds the state; the lock
refers to the syscall, and the syscall does not refer to the lock. Otherwise every lock would be a circle of the two,
which only the garbage collector takes apart.

Nothing here is for other threads: `UniversalQueue` and `Kernel.call_from_thread` are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, MutableMapping
from typing import Any, TypeVar

from ..core import Kernel
from ..syscalls import Syscall, call
from ..task import Task

T = TypeVar("T")

# The line of those who wait: an ordered set that gives up its first and any other in constant time. A plain dict does
# not: it looks for its first entry behind all those that were deleted there.
Line = OrderedDict["Task[Any]", T]


class WaitInLine(Syscall[T]):
    """A wait that a cancelled task leaves in constant time, and has nothing to give back; one object for all who wait."""

    __slots__ = ("waiters",)
    waiters: MutableMapping[Task[Any], Any]

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.waiters[task]


class Steps(Syscall[T]):
    """A request that is made of several, one after the other.

    `await` and `yield from` make them from the frame of the caller, `yield` on its task's stack.
    """

    __slots__ = ()

    def steps(self) -> Generator[Any, Any, T]:
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return call(self.steps()).execute(kernel, task)

    def __await__(self) -> Generator[Any, Any, T]:
        return self.steps()

    __iter__ = __await__
