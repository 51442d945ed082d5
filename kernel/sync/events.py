"""Events: tasks wait until another task says that something has happened."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .waiting import WaitInLine


class EventWait(WaitInLine[None]):
    """Wait for an event. Holds the event's state; all who wait share it."""

    __slots__ = ("happened",)

    def __init__(self) -> None:
        self.happened = False
        self.waiters: dict[Task[Any], None] = {}  # a dict as an ordered set

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.happened:
            return True
        self.waiters[task] = None
        return False

    def describe(self) -> str:
        return f"Event {'set' if self.happened else 'not set'}"

    def __repr__(self) -> str:
        return f"<{self.describe()}>.wait()"


class Event:
    """Something that happens, and that tasks wait for. After `clear` it can happen again."""

    __slots__ = ("_wait",)

    def __init__(self) -> None:
        self._wait = EventWait()

    def is_set(self) -> bool:
        """Whether the event has happened, and was not cleared since."""
        return self._wait.happened

    def set(self) -> None:
        """Wake all tasks that wait, in the order in which they came. From now on nobody has to wait."""
        self._wait.happened = True
        waiters, self._wait.waiters = self._wait.waiters, {}
        for task in waiters:
            task.wake()

    def clear(self) -> None:
        """From now on tasks have to wait again. Tasks that `set` has woken before go on all the same."""
        self._wait.happened = False

    def wait(self) -> Syscall[None]:
        """Wait until the event is set; answered at once when it is. Cancellation ends the wait at once."""
        return self._wait

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait."""
        return self._wait.waiters

    def __repr__(self) -> str:
        return self._wait.describe()
