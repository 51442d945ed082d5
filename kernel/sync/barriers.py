"""Barriers: a fixed number of tasks wait for each other, then all go on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..checks import check_count
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .waiting import WaitInLine


class BrokenBarrier(RuntimeError):
    """Raised in a task that waits at a barrier when it is reset, and in one that waits or comes when it is aborted."""


class BarrierWait(WaitInLine[int]):
    """Wait at a barrier. Holds the barrier's state; all who wait share it."""

    __slots__ = ("broken", "parties")

    def __init__(self, parties: int) -> None:
        self.parties = parties
        self.broken = False
        self.waiters: dict[Task[Any], None] = {}  # a dict as an ordered set

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.broken:
            raise BrokenBarrier(f"{task} cannot wait at {self.describe()}; reset it first")
        if len(self.waiters) + 1 < self.parties:
            self.waiters[task] = None
            return False
        waiters, self.waiters = self.waiters, {}
        for index, waiter in enumerate(waiters):
            waiter.wake(index)
        task.inbox = self.parties - 1
        return True

    def describe(self) -> str:
        return f"Barrier with {len(self.waiters)} of {self.parties} waiting{', broken' if self.broken else ''}"

    def __repr__(self) -> str:
        return f"<{self.describe()}>.wait()"


class Barrier:
    """A place where `parties` tasks wait for each other. When the last one comes all go on, and a new round begins.

    A task that is cancelled while it waits leaves the barrier; the others wait for another task in its place. Raises
    `TypeError` when `parties` is not an integer, and `ValueError` when it is less than 1.
    """

    __slots__ = ("_wait",)

    def __init__(self, parties: int) -> None:
        check_count(parties, 1, "a barrier is for 1 task or more")
        self._wait = BarrierWait(parties)

    @property
    def parties(self) -> int:
        return self._wait.parties

    @property
    def broken(self) -> bool:
        """Whether the barrier was aborted, and not reset since."""
        return self._wait.broken

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait."""
        return self._wait.waiters

    def wait(self) -> Syscall[int]:
        """Wait until the last of the parties comes. The answer is this task's place in the line: 0 for the first.

        The last one, whose place is `parties - 1`, is answered at once. Raises `BrokenBarrier` when the barrier is
        broken, or is aborted or reset while the task waits. Cancellation ends the wait at once.
        """
        return self._wait

    def reset(self) -> None:
        """Begin a new round. Tasks that wait get a `BrokenBarrier`; tasks that come from now on wait as usual."""
        self._break("was reset")
        self._wait.broken = False

    def abort(self) -> None:
        """Break the barrier: tasks that wait, and those that come before `reset`, get a `BrokenBarrier`."""
        self._break("was aborted")

    def _break(self, how: str) -> None:
        self._wait.broken = True
        waiters, self._wait.waiters = self._wait.waiters, {}
        for task in waiters:
            task.throw(BrokenBarrier(f"{task} waited at a barrier that {how}"))

    def __repr__(self) -> str:
        return self._wait.describe()
