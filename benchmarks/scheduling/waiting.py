"""What it costs when tasks wait for each other and wake each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kernel

from ..dialects import Words
from ..workload import Meter
from .family import Scheduling


class PingPong(Scheduling):
    """Two tasks answer each other, each time through a new future. Trio and curio have none, and use an `Event`."""

    def __init__(self) -> None:
        super().__init__("pingpong", "future ping-pong of two tasks", 20_000, 100)

    async def on_kernel(self, meter: Meter) -> None:
        ping: kernel.Waitable[None] = kernel.Waitable()
        pong: kernel.Waitable[None] = kernel.Waitable()

        async def answer() -> None:
            nonlocal ping
            for _ in range(self.count):
                await ping
                ping = kernel.Waitable()
                pong.complete(None)

        await kernel.spawn(answer())
        with meter:
            for _ in range(self.count):
                ping.complete(None)
                await pong
                pong = kernel.Waitable()

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        ping: asyncio.Future[None] = loop.create_future()
        pong: asyncio.Future[None] = loop.create_future()

        async def answer() -> None:
            nonlocal ping
            for _ in range(self.count):
                await ping
                ping = loop.create_future()
                pong.set_result(None)

        task = asyncio.create_task(answer())
        with meter:
            for _ in range(self.count):
                ping.set_result(None)
                await pong
                pong = loop.create_future()
        await task

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        ping, pong = trio.Event(), trio.Event()

        async def answer() -> None:
            nonlocal ping
            for _ in range(self.count):
                await ping.wait()
                ping = trio.Event()
                pong.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            with meter:
                for _ in range(self.count):
                    ping.set()
                    await pong.wait()
                    pong = trio.Event()

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        ping, pong = curio.Event(), curio.Event()

        async def answer() -> None:
            nonlocal ping
            for _ in range(self.count):
                await ping.wait()
                ping = curio.Event()
                await pong.set()

        task = await curio.spawn(answer)
        with meter:
            for _ in range(self.count):
                await ping.set()
                await pong.wait()
                pong = curio.Event()
        await task.join()


class Queue(Scheduling):
    """One task puts numbers into a queue, and another gets them. With trio the queue is a memory channel."""

    def __init__(self, size: int) -> None:
        super().__init__(f"queue-{size}", f"Queue({size:,}), put and get", 40_000, 100)
        self.size = size

    async def on_each(self, meter: Meter, words: Words) -> None:
        queue = words.Queue(self.size)

        async def produce() -> None:
            for number in range(self.count):
                await queue.put(number)

        async with words.tasks() as tasks:
            await tasks.spawn(1, produce)
            with meter:
                for _ in range(self.count):
                    await queue.get()

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        entrance, exit = trio.open_memory_channel(self.size)

        async def produce() -> None:
            for number in range(self.count):
                await entrance.send(number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            with meter:
                for _ in range(self.count):
                    await exit.receive()


class Shared(Scheduling):
    """100 tasks enter the same block again and again, and do a `sleep(0)` in it."""

    TASKS = 100

    def __init__(self, name: str, title: str) -> None:
        super().__init__(name, title, 20_000, 200)

    async def enter(self, meter: Meter, shared: Any, words: Words) -> None:
        async with words.tasks() as tasks:
            await tasks.spawn(self.TASKS, self.entering, shared, words.sleep)
            meter.start()
        meter.stop()

    async def entering(self, shared: Any, sleep: Callable[[float], Awaitable[None]]) -> None:
        for _ in range(self.count // self.TASKS):
            async with shared:
                await sleep(0)


class Lock(Shared):
    """A lock lets one task in at a time."""

    def __init__(self) -> None:
        super().__init__("lock", "a lock that 100 tasks want")

    async def on_each(self, meter: Meter, words: Words) -> None:
        await self.enter(meter, words.Lock(), words)


class Semaphore(Shared):
    """A semaphore lets ten tasks in at a time."""

    def __init__(self) -> None:
        super().__init__("semaphore", "a semaphore of 10 that 100 tasks want")

    async def on_each(self, meter: Meter, words: Words) -> None:
        await self.enter(meter, words.Semaphore(10), words)


class Condition(Scheduling):
    """Two tasks take turns. Each waits for its turn on one condition, and then notifies the other."""

    def __init__(self) -> None:
        super().__init__("condition", "a Condition, two tasks take turns", 20_000, 100)

    async def on_each(self, meter: Meter, words: Words) -> None:
        condition = words.Condition()
        turn = 0

        async def take_turns(own: int) -> None:
            nonlocal turn
            for _ in range(self.count // 2):
                async with condition:
                    while turn != own:
                        await condition.wait()
                    turn = 1 - own
                    notifying = condition.notify()
                    if notifying is not None:  # curio's has to be awaited
                        await notifying

        async with words.tasks() as tasks:
            await tasks.spawn_each(take_turns, range(2))
            meter.start()
        meter.stop()


class Broadcast(Scheduling):
    """An event wakes 10,000 tasks, which end."""

    def __init__(self) -> None:
        super().__init__("event", "an Event wakes 10,000 tasks", 10_000, 100)

    async def on_each(self, meter: Meter, words: Words) -> None:
        event = words.Event()

        async def waiter() -> None:
            await event.wait()

        async with words.tasks() as tasks:
            await tasks.spawn(self.count, waiter)
            await tasks.settle()
            meter.start()
            setting = event.set()
            if setting is not None:  # curio's has to be awaited
                await setting
        meter.stop()
