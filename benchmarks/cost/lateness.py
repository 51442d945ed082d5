"""How late timers are."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from statistics import quantiles

from ..contenders import Contender
from ..dialects import Words
from ..spans import random_delays
from ..workload import Figures, Timed


class Lateness(Timed):
    """1,000 tasks sleep for random spans of up to half a second, while 50 others work without a pause.

    The figure is how late the sleepers go on: only one in a hundred is later. It is measured by the clock, not in
    processor time.
    """

    WORKERS = 50

    def __init__(self) -> None:
        super().__init__("lateness", "cost", "99th percentile of a timer's lateness under load", 1000, 10)
        self.unit = "µs"

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.late: list[float] = []
        self.sleeping = self.count = self.quick_count if quick else self.full_count
        self.perform(contender)
        return {"value": quantiles(self.late, n=100)[98] * 1e6}

    async def sleeper(self, delay: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        due = time.monotonic() + delay
        await sleep(delay)
        self.late.append(time.monotonic() - due)
        self.sleeping -= 1

    async def worker(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        while self.sleeping:
            sum(range(500))
            await sleep(0)

    async def on_each(self, words: Words) -> None:
        sleep = words.sleep
        async with words.tasks() as workers, words.tasks() as sleepers:
            await workers.spawn(self.WORKERS, self.worker, sleep)
            await sleepers.spawn_each(lambda delay: self.sleeper(delay, sleep), random_delays(self.count, 0.5))
