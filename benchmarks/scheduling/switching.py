"""What it costs to switch from task to task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import kernel

from ..workload import Meter
from .family import Scheduling


class Switch(Scheduling):
    """A number of tasks do nothing but `sleep(0)`."""

    def __init__(self, tasks: int) -> None:
        super().__init__(f"switch-{tasks}", f"sleep(0), {tasks:,} task{'s' if tasks > 1 else ''}", 200_000, 2 * tasks)
        self.tasks = tasks

    async def switching(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        for _ in range(self.count // self.tasks):
            await sleep(0)

    async def on_kernel(self, meter: Meter) -> None:
        tasks = [await kernel.spawn(self.switching(kernel.sleep)) for _ in range(self.tasks)]
        with meter:
            for task in tasks:
                await task

    async def on_asyncio(self, meter: Meter) -> None:
        tasks = [asyncio.create_task(self.switching(asyncio.sleep)) for _ in range(self.tasks)]
        with meter:
            for task in tasks:
                await task

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(self.tasks):
                nursery.start_soon(self.switching, trio.sleep)
            meter.start()
        meter.stop()

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        tasks = [await curio.spawn(self.switching, curio.sleep) for _ in range(self.tasks)]
        with meter:
            for task in tasks:
                await task.join()


class Contexts(Scheduling):
    """As switch-100, each task with a context variable of its own that it sets and gets around the `sleep(0)`."""

    TASKS = 100

    def __init__(self) -> None:
        super().__init__("contextvars", "sleep(0) and a context variable, 100 tasks", 100_000, 200)

    async def setting(self, own: int, variable: ContextVar[int], sleep: Callable[[float], Awaitable[None]]) -> None:
        for number in range(self.count // self.TASKS):
            variable.set(own + number)
            await sleep(0)
            if variable.get() != own + number:
                raise AssertionError("another task's value of a context variable was seen")

    async def on_kernel(self, meter: Meter) -> None:
        variable: ContextVar[int] = ContextVar("variable")
        tasks = [await kernel.spawn(self.setting(own, variable, kernel.sleep)) for own in range(self.TASKS)]
        with meter:
            for task in tasks:
                await task

    async def on_asyncio(self, meter: Meter) -> None:
        variable: ContextVar[int] = ContextVar("variable")
        tasks = [asyncio.create_task(self.setting(own, variable, asyncio.sleep)) for own in range(self.TASKS)]
        with meter:
            for task in tasks:
                await task

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        variable: ContextVar[int] = ContextVar("variable")
        async with trio.open_nursery() as nursery:
            for own in range(self.TASKS):
                nursery.start_soon(self.setting, own, variable, trio.sleep)
            meter.start()
        meter.stop()
