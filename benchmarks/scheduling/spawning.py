"""What it costs to spawn tasks and to take their results."""

from __future__ import annotations

import asyncio
from typing import Any

import kernel

from ..workload import Meter
from .family import Scheduling


async def nothing() -> None:
    pass


class Spawn(Scheduling):
    """Spawn a task that does nothing and wait for it; then the next."""

    def __init__(self) -> None:
        super().__init__("spawn", "spawn a task and await it", 30_000, 100)

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                await (await kernel.spawn(nothing()))

    async def on_asyncio(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                await asyncio.create_task(nothing())

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        with meter:
            for _ in range(self.count):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(nothing)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        with meter:
            for _ in range(self.count):
                task = await curio.spawn(nothing)
                await task.join()


class Gather(Scheduling):
    """Run 10,000 coroutines at once and take their results in order. A library without `gather` has a task group."""

    def __init__(self) -> None:
        super().__init__("gather", "gather 10,000 results", 10_000, 100)

    async def result(self, number: int) -> int:
        return number

    def check(self, results: list[int]) -> None:
        if results != list(range(self.count)):
            raise AssertionError("the results are not what the tasks returned")

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            async with kernel.TaskGroup() as group:
                tasks = [await group.spawn(self.result(number)) for number in range(self.count)]
            results = [task.result() for task in tasks]
        self.check(results)

    async def on_asyncio(self, meter: Meter) -> None:
        with meter:
            results = await asyncio.gather(*[self.result(number) for number in range(self.count)])
        self.check(results)

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        results = [-1] * self.count

        async def keep_result(number: int) -> None:
            results[number] = await self.result(number)

        with meter:
            async with trio.open_nursery() as nursery:
                for number in range(self.count):
                    nursery.start_soon(keep_result, number)
        self.check(results)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        with meter:
            async with curio.TaskGroup() as group:
                for number in range(self.count):
                    await group.spawn(self.result, number)
            results = group.results
        self.check(results)


class Wait(Scheduling):
    """Spawn 100 tasks that do nothing, and `asyncio.wait` for all of them; then the next. Only asyncio has `wait`."""

    TASKS = 100

    def __init__(self) -> None:
        super().__init__("wait", f"wait() for {self.TASKS} tasks", 20_000, 200)

    async def on_asyncio(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count // self.TASKS):
                done, pending = await asyncio.wait([asyncio.create_task(nothing()) for _ in range(self.TASKS)])
                if len(done) != self.TASKS or pending:
                    raise AssertionError("not all tasks have ended")


class AsCompleted(Scheduling):
    """Run 10,000 coroutines at once, and take their results as they end."""

    def __init__(self) -> None:
        super().__init__("as-completed", "as_completed(), 10,000 results", 10_000, 100)

    async def result(self, number: int) -> int:
        return number

    def check(self, total: int) -> None:
        if total != sum(range(self.count)):
            raise AssertionError("the results are not what the tasks returned")

    async def on_kernel(self, meter: Meter) -> None:
        total = 0
        with meter:
            async with kernel.TaskGroup() as group:
                for number in range(self.count):
                    await group.spawn(self.result(number))
                async for task in group.as_completed():
                    total += task.result()
        self.check(total)

    async def on_asyncio(self, meter: Meter) -> None:
        total = 0
        with meter:
            for earliest in asyncio.as_completed([self.result(number) for number in range(self.count)]):
                total += await earliest
        self.check(total)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        total = 0
        with meter:
            async with curio.TaskGroup() as group:
                for number in range(self.count):
                    await group.spawn(self.result, number)
                async for task in group:
                    total += task.result
        self.check(total)


class Group(Scheduling):
    """10,000 tasks that do nothing, in one task group."""

    def __init__(self) -> None:
        super().__init__("taskgroup", "10,000 tasks in a TaskGroup", 10_000, 100)

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            async with kernel.TaskGroup() as group:
                for _ in range(self.count):
                    await group.spawn(nothing())

    async def on_asyncio(self, meter: Meter) -> None:
        with meter:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.count):
                    group.create_task(nothing())

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        with meter:
            async with trio.open_nursery() as nursery:
                for _ in range(self.count):
                    nursery.start_soon(nothing)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        with meter:
            async with curio.TaskGroup() as group:
                for _ in range(self.count):
                    await group.spawn(nothing)
