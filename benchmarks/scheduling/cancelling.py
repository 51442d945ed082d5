"""What cancellation costs, and the time limits that are made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kernel

from ..dialects import Words
from ..spans import DISTANT
from ..workload import Meter
from .family import Scheduling


class Cancel(Scheduling):
    """Cancel 10,000 tasks that sleep, and wait until they have ended."""

    def __init__(self) -> None:
        super().__init__("cancel", "cancel 10,000 sleeping tasks", 10_000, 100)

    async def on_each(self, meter: Meter, words: Words) -> None:
        async with words.tasks() as tasks:
            await tasks.spawn(self.count, words.sleeper)
            await tasks.settle()
            meter.start()
            await tasks.cancel()
        meter.stop()


class Timeout(Scheduling):
    """A block with a time limit that does not run out, around a `sleep(0)`."""

    def __init__(self) -> None:
        super().__init__("timeout", "a timeout() block", 30_000, 100)

    async def on_each(self, meter: Meter, words: Words) -> None:
        timeout, sleep = words.timeout, words.sleep
        with meter:
            for _ in range(self.count):
                async with timeout(DISTANT):
                    await sleep(0)

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        with meter:
            for _ in range(self.count):
                with trio.fail_after(DISTANT):
                    await trio.sleep(0)


class WaitFor(Scheduling):
    """`wait_for` a coroutine that does a `sleep(0)`. A library without `wait_for` has a timeout block around it."""

    def __init__(self) -> None:
        super().__init__("wait-for", "wait_for() a coroutine", 20_000, 100)

    async def step(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        await sleep(0)

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                async with kernel.timeout(DISTANT):
                    await self.step(kernel.sleep)

    async def on_asyncio(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                await asyncio.wait_for(self.step(asyncio.sleep), DISTANT)

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        with meter:
            for _ in range(self.count):
                with trio.fail_after(DISTANT):
                    await self.step(trio.sleep)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        with meter:
            for _ in range(self.count):
                await curio.timeout_after(DISTANT, self.step, curio.sleep)


class WaitForFuture(Scheduling):
    """`wait_for` a future, which a callback completes. Only event loops do this."""

    def __init__(self) -> None:
        super().__init__("wait-for-future", "wait_for() a future", 20_000, 100)

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        with meter:
            for _ in range(self.count):
                future = loop.create_future()
                loop.call_soon(future.set_result, None)
                await asyncio.wait_for(future, DISTANT)
