"""The kernel's timers: a heap of deadlines.

A timer that is cancelled stays in the heap, dead, until its deadline comes or until the dead are more than half of it
and are swept out together: so cancelling costs constant time, which is what a timeout that never fires needs.
"""

from __future__ import annotations

import heapq
import math
from itertools import count
from typing import TYPE_CHECKING, Protocol

from .failures import fire_failed

if TYPE_CHECKING:
    from .core import Kernel


class Timer(Protocol):
    """Something to do when its time has come, unless it has been cancelled, and so is `dead`, by then."""

    @property
    def dead(self) -> bool | None: ...

    def fire(self, kernel: Kernel) -> None: ...


class Timers:
    """Timers by deadline; those of one deadline fire in the order they were added."""

    SWEEP = 64  # below this many dead timers a sweep is not worth its while

    __slots__ = ("_dead", "_order", "heap")

    def __init__(self) -> None:
        # Plain tuples, compared in C; the running number decides between equal deadlines.
        self.heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._dead = 0

    def __len__(self) -> int:
        """How many are still to fire."""
        return len(self.heap) - self._dead

    def add(self, deadline: float, timer: Timer) -> None:
        if deadline != deadline:
            raise ValueError(f"{timer!r} has the deadline NaN, which is no time")  # and would disorder the heap
        heapq.heappush(self.heap, (deadline, next(self._order), timer))

    def forget_one(self) -> None:
        """Count one timer more as cancelled; its owner has marked it dead."""
        self._dead += 1
        if self._dead > self.SWEEP and self._dead * 2 > len(self.heap):
            self.heap[:] = [entry for entry in self.heap if not entry[2].dead]
            heapq.heapify(self.heap)
            self._dead = 0

    def next_deadline(self) -> float:
        """The earliest deadline; infinity without timers."""
        heap = self.heap
        while heap and heap[0][2].dead:
            heapq.heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else math.inf

    def expire(self, kernel: Kernel, now: float) -> None:
        """Fire every timer whose deadline is `now` or before."""
        heap = self.heap
        while heap and heap[0][0] <= now:
            timer = heapq.heappop(heap)[2]
            if timer.dead:
                self._dead -= 1
                continue
            try:
                timer.fire(kernel)
            except BaseException as error:
                fire_failed(kernel, timer, error)
