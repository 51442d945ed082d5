"""The time that a timer comes too late."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from statistics import quantiles
from typing import Any

import kernel

from ..contenders import Contender
from ..spans import SEED
from ..workload import Figures, Timed


class Lateness(Timed):
    """1,000 tasks sleep for random spans of up to half a second, while 50 others never stop working.

    The figure is how late they go on, which only one in a hundred exceeds: by the clock, not in processor time.
    """

    WORKERS = 50

    def __init__(self) -> None:
        super().__init__("lateness", "cost", "99th percentile of a timer's lateness under load", 1000, 10)
        self.unit = "µs"

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.late: list[float] = []
        self.sleeping = self.count = self.quick_count if quick else self.full_count
        contender.run(getattr(self, f"on_{contender.dialect}"), *contender.library)
        return {"value": quantiles(self.late, n=100)[98] * 1e6}

    def delays(self) -> list[float]:
        order = random.Random(SEED)
        return [order.random() / 2 for _ in range(self.count)]

    async def sleeper(self, delay: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        due = time.monotonic() + delay
        await sleep(delay)
        self.late.append(time.monotonic() - due)
        self.sleeping -= 1

    async def worker(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        while self.sleeping:
            sum(range(500))
            await sleep(0)

    async def on_kernel(self) -> None:
        for _ in range(self.WORKERS):
            await kernel.spawn(self.worker(kernel.sleep))
        for task in [await kernel.spawn(self.sleeper(delay, kernel.sleep)) for delay in self.delays()]:
            await task

    async def on_asyncio(self) -> None:
        workers = [asyncio.create_task(self.worker(asyncio.sleep)) for _ in range(self.WORKERS)]
        sleepers = [asyncio.create_task(self.sleeper(delay, asyncio.sleep)) for delay in self.delays()]
        for task in [*sleepers, *workers]:
            await task

    async def on_trio(self, trio: Any) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(self.WORKERS):
                nursery.start_soon(self.worker, trio.sleep)
            for delay in self.delays():
                nursery.start_soon(self.sleeper, delay, trio.sleep)

    async def on_curio(self, curio: Any) -> None:
        workers = [await curio.spawn(self.worker, curio.sleep) for _ in range(self.WORKERS)]
        sleepers = [await curio.spawn(self.sleeper, delay, curio.sleep) for delay in self.delays()]
        for task in [*sleepers, *workers]:
            await task.join()
