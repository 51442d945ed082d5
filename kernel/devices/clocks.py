"""The kernel's clocks: what time it is, and how to pass the time when no task can run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from .protocols import Event, Poller

LONGEST_IDLE = 86400.0  # seconds; waiting longer in one system call overflows on some platforms


class MonotonicClock:
    """Real time, by `time.monotonic`."""

    now = staticmethod(time.monotonic)

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
        if deadline == math.inf:
            return poller.poll(None)
        return poller.poll(min(max(0.0, deadline - time.monotonic()), LONGEST_IDLE))


class VirtualClock:
    """Time that passes only while nothing can run, and then at once: an hour's sleep takes no time at all.

    Descriptors that are ready go before a jump. While threads are at work the clock stands still, as it does while a
    task computes.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
        if deadline == math.inf or busy_outside and deadline > self._now:
            return poller.poll(None)
        events = poller.poll(0.0)
        if not events:
            self._now = max(self._now, deadline)
        return events
