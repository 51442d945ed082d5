"""asyncio's own loop, on a clock that jumps: a sleep takes no time, and a step takes long only if it is to.

Nothing of this project's is in it. So what a program does here, it does on asyncio.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from typing import Any, NamedTuple


class Long(NamedTuple):
    """Where time passes: in a step, or in a sleep of the process, and the number of that; until the next deadlines."""

    sleep: bool
    number: int
    deadlines: int  # how many of them come together


class QuietSelector(selectors.DefaultSelector):
    """Does not wait: what is there is there, such as bytes from a socket at the other end; or else the time has come."""

    loop: QuietLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("the program waits for ever")
        self.loop.now += timeout
        self.loop.passed(sleep=True)
        return super().select(0)


class Steps(deque[Any]):
    """A ready queue that tells of each step which is about to be made."""

    loop: QuietLoop

    def popleft(self) -> Any:
        self.loop.passed(sleep=False)
        return super().popleft()


class QuietLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, whose time passes while nothing can run, and where `long` says so."""

    def __init__(self, long: Long | None = None) -> None:
        self.now = 0.0
        self.counts = [0, 0]  # of steps and of sleeps
        self._long = long
        selector = QuietSelector()
        selector.loop = self
        super().__init__(selector)
        self._ready = Steps()
        self._ready.loop = self

    def time(self) -> float:
        return self.now

    def passed(self, sleep: bool) -> None:
        """A step is about to be made, or a sleep of the process is over."""
        self.counts[sleep] += 1
        if self._long is not None and (sleep, self.counts[sleep]) == self._long[:2]:
            scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # asyncio's timers
            coming = sorted({timer.when() for timer in scheduled if timer.when() > self.now and not timer.cancelled()})
            if coming:
                self.now = coming[min(self._long.deadlines, len(coming)) - 1]


def run_quietly(main: Any, long: Long | None = None) -> list[int]:
    """Run a coroutine; the numbers of steps and of sleeps that it took."""
    with asyncio.Runner(loop_factory=lambda: QuietLoop(long)) as runner:
        runner.run(main)
        loop = runner.get_loop()
    assert isinstance(loop, QuietLoop)
    return loop.counts
