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


class Lock(Scheduling):
    """100 tasks take the same lock again and again, and do a `sleep(0)` while they hold it."""

    TASKS = 100

    def __init__(self) -> None:
        super().__init__("lock", "a lock that 100 tasks want", 20_000, 200)

    async def locking(self, lock: Any, sleep: Callable[[float], Awaitable[None]]) -> None:
        for _ in range(self.count // self.TASKS):
            async with lock:
                await sleep(0)

    async def on_each(self, meter: Meter, words: Words) -> None:
        async with words.tasks() as tasks:
            await tasks.spawn(self.TASKS, self.locking, words.Lock(), words.sleep)
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
