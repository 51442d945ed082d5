"""Cancellations that the exploration asks for: of tasks that the program cancels as well, at another moment.

A task is suspended from the end of one step to the beginning of the next. There are two windows in which somebody may
cancel it: while it waits, and when it has been woken and has not run. In a run that is to cancel some tasks, a ready
queue makes a choice in each window of each suspension of theirs.

A program may count on it that the task is not cancelled before its work is done: the workers of a queue are cancelled
when the queue is empty. Without a worker such a program fails, and there is nothing wrong with it. So what comes of a
cancellation of the exploration's counts only if the program then asks for the same one, soon and in the course of its
work. It might have done so earlier, on a machine on which all else had taken longer. Two things always count: that the
cancellation is lost, and that a task waits for what is free.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

from ..core import Kernel
from ..insight.names import label
from ..insight.requests import frames, of_library
from ..task import Task
from .devices import SimulatedQueue, World
from .failures import Failure
from .words import is_woken, name_of

ALWAYS_COUNT = frozenset(["lost cancellation", "stuck", "unsimulated"])  # kinds of failures
EARLY = "_came_before_the_cancellation"  # an attribute of exceptions: of which run that is true


def key_of(task: Task[Any]) -> str:
    """By what a task is known in other runs. There a task without a name of its own may have another number."""
    name = name_of(task)
    return f"{name} of {getattr(task.code, '__qualname__', '')}" if "'Task-" in name else name


class Injection(NamedTuple):
    """A cancellation that the exploration has asked for."""

    task: str
    suspension: int  # of that task; 0 is before its first step
    woken: bool  # else the task was waiting


class Cancels:
    """The tasks that the program cancels, as far as one run shows it, and the one that the exploration has cancelled."""

    def __init__(self, names: Iterable[tuple[str, str]], longest_stall: float) -> None:
        self.places = dict(names)  # where the program cancels the tasks at whose suspensions there are choices
        self.choices: list[int] = []  # the places of these
        self.heard: dict[str, str] = {}  # the tasks that the program has cancelled, and where
        self.injections: set[Injection] = set()  # what the exploration has asked for
        self._task: Callable[[], Task[Any] | None] = lambda: None  # the one that was cancelled so
        self._cancelled: type[BaseException] | None = None  # what was raised in it
        self._longest_stall = longest_stall
        self._until = 0.0  # when the program has to have asked for the same
        self._asked_too = False
        self._handled = sys.exception()  # by who has begun the run

    def hear(self, task: Task[Any], msg: Any, place: str | None, by_block: bool) -> bool:
        """The program is about to cancel `task`. Whether this is the cancellation that has come already.

        A block that interrupts itself does not count, and a task that does: it can do that at one place only. One with a
        message is another, by which a library knows its own.
        """
        if by_block or task.kernel.current is task:
            return False
        key = key_of(task)
        if key not in self.heard and not any(of_library(frame) for frame in frames(task)[:1]):  # a library's own task
            self.heard[key] = place or ""
        # A program that fails cancels what it leaves behind: that is not the course of its work.
        if (task is not self._task() or self._asked_too or msg is not None
                or task.kernel.clock.now() > self._until or sys.exception() is not self._handled):
            return False
        self._asked_too = True
        return True

    def inject(self, task: Task[Any], injection: Injection) -> None:
        """The exploration cancels `task`."""
        self._task, self._cancelled = ref(task), task.cancelled_type  # who holds a task keeps its failure from being told
        self.injections.add(injection)
        self._until = task.kernel.clock.now() + self._longest_stall

    def failed(self, error: BaseException) -> None:
        """A task has ended with `error`."""
        if self._cancelled is not None and not self._asked_too:
            BaseException.__setattr__(error, EARLY, self)  # who holds an exception holds the tasks in its traceback

    def deadlock(self) -> None:
        """What the program does from now on is no more than to clean up."""
        self._until = -math.inf

    def counts(self, failure: Failure) -> bool:
        """Whether something that went wrong is a failure. A cancellation that only has got through is none."""
        if self._cancelled is None or failure.kind in ALWAYS_COUNT:
            return True
        if not self._asked_too or isinstance(failure.error, self._cancelled):
            return False
        # The fixtures of a test cancel what they have begun also when the test has failed, and after that.
        errors = failure.error, *getattr(failure.error, "exceptions", ())
        return failure.kind != "exception" or all(getattr(error, EARLY, None) is not self for error in errors)


class CancellingQueue(SimulatedQueue):
    """A ready queue that calls `may_cancel` in each window of the suspensions of the tasks with these names."""

    def __init__(self, world: World, names: Collection[str],
                 may_cancel: Callable[[Task[Any], Injection], object]) -> None:
        super().__init__(world)
        self._names = names
        self._may_cancel = may_cancel
        self._suspensions: WeakKeyDictionary[Task[Any], int] = WeakKeyDictionary()  # how many each task had before

    def popleft(self) -> Any:
        item = super().popleft()
        if not isinstance(item, Task) or item.done() or key_of(item) not in self._names:
            return item
        try:
            self._suspended(item, True)
        except BaseException:
            self.appendleft(item)  # the choice was refused, and the shutdown has to find the task
            raise
        self._suspensions[item] = self._suspensions.get(item, 0) + 1
        return SeenStep(item, self)

    def ended(self, task: Task[Any]) -> None:
        """A step of `task` has ended."""
        if task.blocked_on is not None and not is_woken(task) and not task.done():
            self._suspended(task, False)

    def _suspended(self, task: Task[Any], woken: bool) -> None:
        self.kernel.leave_task()
        self._may_cancel(task, Injection(label(task), self._suspensions.get(task, 0), woken))


class SeenStep:
    """A step of a task, as an item of the ready queue: the queue hears of its end."""

    def __init__(self, task: Task[Any], queue: CancellingQueue) -> None:
        self.task = task
        self._queue = queue

    def run(self, kernel: Kernel) -> None:
        self.task.run(kernel)
        self._queue.ended(self.task)
        del self  # an exception that the task keeps may have this frame in its traceback
