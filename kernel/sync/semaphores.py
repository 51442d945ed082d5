"""Semaphores: a number of units, which tasks take and give back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Any

from ..checks import check_count
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .blocks import Held
from .waiting import Line, WaitInLine


class AcquireSemaphore(WaitInLine[None]):
    """Wait for a unit of a semaphore. Holds the semaphore's state; all who wait share it."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value
        self.waiters: Line[None] = OrderedDict()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.value > 0:
            self.value -= 1
            return True
        self.waiters[task] = None
        return False

    def describe(self) -> str:
        return f"Semaphore with {self.value} left, {len(self.waiters)} waiting"

    def __repr__(self) -> str:
        return f"<{self.describe()}>.acquire()"


class Semaphore(Held):
    """A number of units. A task takes one; when none is left it waits, and the tasks that wait are served in order.

    Use `async with semaphore:`, or `await semaphore.acquire()` and then `semaphore.release()`. Any task may release a
    unit, not only one that has acquired it. `value` is the number of units at the beginning. `maximum` is the highest
    number that may be left: a release beyond it raises `ValueError`. Raises `TypeError` for what is not an integer, and
    `ValueError` when `value` is negative or `maximum` is less than `value`.
    """

    __slots__ = ("maximum", "request")

    def __init__(self, value: int = 1, *, maximum: int | None = None) -> None:
        check_count(value, 0, "a semaphore begins with 0 units or more")
        if maximum is not None:
            check_count(maximum, value, f"a semaphore that begins with {value} units has {value} or more at most")
        self.maximum = maximum
        self.request = AcquireSemaphore(value)

    @property
    def value(self) -> int:
        """How many units are left."""
        return self.request.value

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait for a unit."""
        return self.request.waiters

    def locked(self) -> bool:
        """Whether no unit is left."""
        return self.request.value == 0

    def acquire(self) -> Syscall[None]:
        """Wait for a unit and take it; answered at once when one is left. Cancellation works as in `Lock.acquire`."""
        return self.request

    def release(self) -> None:
        """Give a unit to the first task that waits, or back to the semaphore; `ValueError` when `maximum` are left."""
        request = self.request
        if request.waiters:
            request.waiters.popitem(last=False)[0].wake()
        elif request.value == self.maximum:
            raise ValueError(f"{self!r} was released more often than acquired")
        else:
            request.value += 1

    def __aenter__(self) -> Syscall[None]:
        return self.request

    def __repr__(self) -> str:
        return self.request.describe()
