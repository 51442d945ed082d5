"""What timers cost."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import kernel

from ..spans import SEED
from ..workload import Meter
from .family import Scheduling
from .spawning import nothing


class KeepAlive(Scheduling):
    """1,000 connections, each of which puts off its keep-alive timeout with every message. Of event loops only."""

    CONNECTIONS = 1000
    SECONDS = 75.0

    def __init__(self) -> None:
        super().__init__("call-later", "call_later() and cancel(), 1,000 at a time", 100_000, 2000)

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(self.SECONDS, nothing) for _ in range(self.CONNECTIONS)]
        with meter:
            for message in range(self.count):
                connection = message % self.CONNECTIONS
                timers[connection].cancel()
                timers[connection] = loop.call_later(self.SECONDS, nothing)
                if message % 100 == 0:
                    await asyncio.sleep(0)
        for timer in timers:
            timer.cancel()


class Sleepers(Scheduling):
    """100,000 tasks are spawned, sleep for random spans of up to a second, and end."""

    def __init__(self) -> None:
        super().__init__("sleepers", "100,000 tasks sleep for random spans", 100_000, 200)

    def delays(self) -> list[float]:
        order = random.Random(SEED)
        return [order.random() * min(1.0, self.count / 1000) for _ in range(self.count)]

    async def on_kernel(self, meter: Meter) -> None:

        async def sleeper(delay: float) -> None:
            await kernel.sleep(delay)

        delays = self.delays()
        with meter:
            for task in [await kernel.spawn(sleeper(delay)) for delay in delays]:
                await task

    async def on_asyncio(self, meter: Meter) -> None:

        async def sleeper(delay: float) -> None:
            await asyncio.sleep(delay)

        delays = self.delays()
        with meter:
            for task in [asyncio.create_task(sleeper(delay)) for delay in delays]:
                await task

    async def on_trio(self, meter: Meter, trio: Any) -> None:

        async def sleeper(delay: float) -> None:
            await trio.sleep(delay)

        delays = self.delays()
        with meter:
            async with trio.open_nursery() as nursery:
                for delay in delays:
                    nursery.start_soon(sleeper, delay)

    async def on_curio(self, meter: Meter, curio: Any) -> None:

        async def sleeper(delay: float) -> None:
            await curio.sleep(delay)

        delays = self.delays()
        with meter:
            for task in [await curio.spawn(sleeper, delay) for delay in delays]:
                await task.join()
