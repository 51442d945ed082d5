"""Barriers: tasks that wait for each other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..checks import check_count
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .waiting import WaitInLine


class BrokenBarrier(RuntimeError):
    """The barrier was aborted, or reset while a task waited at it."""


class BarrierWait(WaitInLine[int]):
    """Wait at a barrier; its state."""

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
    """Where `parties` tasks wait for each other; then all go on, and the next round begins.

    A task that is cancelled while it waits leaves, and the others wait for another in its place.
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
        return self._wait.broken

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait."""
        return self._wait.waiters

    def wait(self) -> Syscall[int]:
        """Wait until the last of the parties comes; the answer says which of them this task was, from 0 on.

        The last one is answered at once. Raises `BrokenBarrier`. Cancellation ends the wait at once.
        """
        return self._wait

    def reset(self) -> None:
        """Begin a new round; who waits gets a `BrokenBarrier`."""
        self._break("was reset")
        self._wait.broken = False

    def abort(self) -> None:
        """Break the barrier until it is reset: a `BrokenBarrier` for who waits, and who comes."""
        self._break("was aborted")

    def _break(self, how: str) -> None:
        self._wait.broken = True
        waiters, self._wait.waiters = self._wait.waiters, {}
        for task in waiters:
            task.throw(BrokenBarrier(f"{task} waited at a barrier that {how}"))

    def __repr__(self) -> str:
        return self._wait.describe()
