"""What events, locks, semaphores, conditions and barriers have in common: tasks that wait in a line.

A task makes a request. The request is answered at once if it can be; otherwise the task waits in a line, first come,
first served. Whoever releases a lock hands it over: the first task in the line owns it before that task runs. So no
other task can slip in between, and a task that is cancelled after that still owns the lock and will release it. A task
that is cancelled while it waits leaves the line in constant time and has nothing to give back.

A `Lock` and the syscall that waits for it are two objects. The syscall holds the state, and all tasks that wait share
it. The lock refers to the syscall, but the syscall does not refer to the lock. If each referred to the other, only the
garbage collector could free them.

All of this is for the tasks of one kernel. For other threads there are `UniversalQueue` and `Kernel.call_from_thread`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, MutableMapping
from typing import Any, TypeVar

from ..core import Kernel
from ..syscalls import Syscall, call
from ..task import Task

T = TypeVar("T")

# The tasks that wait, first come first. An `OrderedDict` removes its first entry, and any other, in constant time. A
# plain dict does not: deleted entries leave gaps at its front, and it searches through these for its first entry.
Line = OrderedDict["Task[Any]", T]


class WaitInLine(Syscall[T]):
    """A wait in a line, which a cancelled task leaves in constant time. All tasks that wait share one such object."""

    __slots__ = ("waiters",)
    waiters: MutableMapping[Task[Any], Any]

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.waiters[task]


class Steps(Syscall[T]):
    """A request that consists of several, which `steps` makes one after the other.

    `await` and `yield from` run `steps` in the frame of the caller; `yield` calls it on the task's own stack.
    """

    __slots__ = ()

    def steps(self) -> Generator[Any, Any, T]:
        """Make the requests, and return the answer to the whole."""
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return call(self.steps()).execute(kernel, task)

    def __await__(self) -> Generator[Any, Any, T]:
        return self.steps()

    __iter__ = __await__
