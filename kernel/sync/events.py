"""Events: something that happens, and tasks that wait for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .waiting import WaitInLine


class EventWait(WaitInLine[None]):
    """Wait for an event; its state."""

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
    """Something that happens, once or, by way of `clear`, again and again; tasks wait for it."""

    __slots__ = ("_wait",)

    def __init__(self) -> None:
        self._wait = EventWait()

    def is_set(self) -> bool:
        return self._wait.happened

    def set(self) -> None:
        """Wake all who wait, in order; from now on nobody has to wait."""
        self._wait.happened = True
        waiters, self._wait.waiters = self._wait.waiters, {}
        for task in waiters:
            task.wake()

    def clear(self) -> None:
        """From now on tasks have to wait again. Those that `set` has woken go on all the same."""
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
