"""The kernel's timers: a heap of deadlines.

A timer that is cancelled stays in the heap, dead. It goes when its deadline comes, or when more than half of the heap
is dead: then all the dead are swept out together. So cancelling costs constant time, which is what a timeout that never
fires needs.
"""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from .devices.protocols import Timer
from .failures import fire_failed

if TYPE_CHECKING:
    from .core import Kernel


class Timers:
    """Timers by deadline; those of one deadline fire in the order they were added."""

    SWEEP = 64  # below this many dead timers a sweep is not worth its while

    __slots__ = ("_dead", "_latest", "_order", "heap", "late")

    def __init__(self) -> None:
        # Plain tuples, compared in C; the number decides between equal deadlines. Where a deadline is later than any
        # before it, as with delays of one length, no other is equal to it yet, and 0 will do: an object less to keep.
        self.heap: list[tuple[float, int, Timer]] = []
        self._latest = -math.inf
        self._order = 0  # of the one added last that had to have a number
        self._dead = 0
        self.late = 0.0  # seconds by which those that fired last came after their deadline

    def __len__(self) -> int:
        """How many are still to fire."""
        return len(self.heap) - self._dead

    def add(self, deadline: float, timer: Timer) -> None:
        """Have `timer` fire when the clock shows `deadline`. `ValueError` for NaN, and for a timer added before."""
        if timer.dead is not None:
            raise ValueError(f"{timer!r} has been added before; make a new one")
        if deadline <= self._latest:
            order = self._order = self._order + 1
        elif deadline != deadline:
            raise ValueError(f"{timer!r} has the deadline NaN, which is no time")  # and would disorder the heap
        else:
            order, self._latest = 0, deadline
        timer.dead = False
        heappush(self.heap, (deadline, order, timer))

    def cancel(self, timer: Timer) -> None:
        """Have `timer` never fire. Nothing happens when it is dead already, or was not added."""
        if timer.dead is not False:
            return
        timer.dead = True
        self._dead += 1
        if self._dead > self.SWEEP and self._dead * 2 > len(self.heap):
            self.heap[:] = [entry for entry in self.heap if not entry[2].dead]
            heapify(self.heap)
            self._dead = 0

    def next_deadline(self) -> float:
        """The earliest deadline; infinity without timers."""
        heap = self.heap
        while heap and heap[0][2].dead:
            heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else math.inf

    def expire(self, kernel: Kernel, now: float) -> None:
        """Fire every timer whose deadline is `now` or before."""
        heap = self.heap
        while heap and heap[0][0] <= now:
            deadline, _, timer = heappop(heap)
            if timer.dead:
                self._dead -= 1
                continue
            self.late = now - deadline
            timer.dead = True
            kernel.firing = timer
            try:
                timer.fire(kernel)
            except BaseException as error:
                fire_failed(kernel, timer, error)
