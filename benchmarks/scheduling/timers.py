"""What timers cost."""

from __future__ import annotations

import asyncio

from ..dialects import Words
from ..spans import random_delays
from ..workload import Meter
from .family import Scheduling
from .spawning import nothing


class KeepAlive(Scheduling):
    """1,000 connections; each puts off its keep-alive timeout at every message. Only event loops do this."""

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


class Firing(Scheduling):
    """10,000 timers by `call_later`, which fire after random spans of up to 10 ms. Only event loops do this."""

    LONGEST = 0.01  # seconds

    def __init__(self) -> None:
        super().__init__("call-later-fires", "call_later() that fires, 10,000 at a time", 10_000, 100)

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        left = self.count

        def fire() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                ended.set_result(None)

        delays = random_delays(self.count, self.LONGEST)
        with meter:
            for delay in delays:
                loop.call_later(delay, fire)
            await ended


class EqualSleepers(Scheduling):
    """Spawn 10,000 tasks, which all sleep for the same span, and wait until they have ended."""

    SPAN = 0.01  # seconds

    def __init__(self) -> None:
        super().__init__("sleepers-equal", "10,000 tasks sleep for the same span", 10_000, 100)

    async def on_each(self, meter: Meter, words: Words) -> None:
        sleep = words.sleep

        async def sleeper() -> None:
            await sleep(self.SPAN)

        meter.start()
        async with words.tasks() as tasks:
            await tasks.spawn(self.count, sleeper)
        del tasks  # to throw the tasks away counts too
        meter.stop()


class Sleepers(Scheduling):
    """Spawn 100,000 tasks, which sleep for random spans of up to a second, and wait until they have ended."""

    def __init__(self) -> None:
        super().__init__("sleepers", "100,000 tasks sleep for random spans", 100_000, 200)

    async def on_each(self, meter: Meter, words: Words) -> None:
        sleep = words.sleep

        async def sleeper(delay: float) -> None:
            await sleep(delay)

        delays = random_delays(self.count, min(1.0, self.count / 1000))
        meter.start()
        async with words.tasks() as tasks:
            await tasks.spawn_each(sleeper, delays)
        del tasks  # to throw the tasks away counts too
        meter.stop()
