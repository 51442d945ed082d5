"""What it costs to wait for another task, and to wake it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

import kernel

from ..workload import Meter
from .family import Scheduling


async def all_blocked() -> None:
    """Wait until every other task of trio's waits for something."""
    await importlib.import_module("trio.testing").wait_all_tasks_blocked()


class PingPong(Scheduling):
    """Two tasks answer each other, through a new future each time; trio and curio, which have none, use an `Event`."""

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
    """One task puts numbers into a queue, another gets them; trio's queue is a memory channel."""

    def __init__(self, size: int) -> None:
        super().__init__(f"queue-{size}", f"Queue({size:,}), put and get", 40_000, 100)
        self.size = size

    async def on_kernel(self, meter: Meter) -> None:
        queue: kernel.Queue[int] = kernel.Queue(self.size)

        async def produce() -> None:
            for number in range(self.count):
                await queue.put(number)

        await kernel.spawn(produce())
        with meter:
            for _ in range(self.count):
                await queue.get()

    async def on_asyncio(self, meter: Meter) -> None:
        queue: asyncio.Queue[int] = asyncio.Queue(self.size)

        async def produce() -> None:
            for number in range(self.count):
                await queue.put(number)

        task = asyncio.create_task(produce())
        with meter:
            for _ in range(self.count):
                await queue.get()
        await task

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

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        queue = curio.Queue(self.size)

        async def produce() -> None:
            for number in range(self.count):
                await queue.put(number)

        task = await curio.spawn(produce)
        with meter:
            for _ in range(self.count):
                await queue.get()
        await task.join()


class Lock(Scheduling):
    """100 tasks want the same lock, and do a `sleep(0)` while they hold it."""

    TASKS = 100

    def __init__(self) -> None:
        super().__init__("lock", "a lock that 100 tasks want", 20_000, 200)

    async def locking(self, lock: Any, sleep: Callable[[float], Awaitable[None]]) -> None:
        for _ in range(self.count // self.TASKS):
            async with lock:
                await sleep(0)

    async def on_kernel(self, meter: Meter) -> None:
        lock = kernel.Lock()
        tasks = [await kernel.spawn(self.locking(lock, kernel.sleep)) for _ in range(self.TASKS)]
        with meter:
            for task in tasks:
                await task

    async def on_asyncio(self, meter: Meter) -> None:
        lock = asyncio.Lock()
        tasks = [asyncio.create_task(self.locking(lock, asyncio.sleep)) for _ in range(self.TASKS)]
        with meter:
            for task in tasks:
                await task

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        lock = trio.Lock()
        async with trio.open_nursery() as nursery:
            for _ in range(self.TASKS):
                nursery.start_soon(self.locking, lock, trio.sleep)
            meter.start()
        meter.stop()

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        lock = curio.Lock()
        tasks = [await curio.spawn(self.locking, lock, curio.sleep) for _ in range(self.TASKS)]
        with meter:
            for task in tasks:
                await task.join()


class Broadcast(Scheduling):
    """An event wakes 10,000 tasks, which end."""

    def __init__(self) -> None:
        super().__init__("event", "an Event wakes 10,000 tasks", 10_000, 100)

    async def on_kernel(self, meter: Meter) -> None:
        event = kernel.Event()

        async def waiter() -> None:
            await event.wait()

        tasks = [await kernel.spawn(waiter()) for _ in range(self.count)]
        await kernel.sleep(0)  # now all wait
        with meter:
            event.set()
            for task in tasks:
                await task

    async def on_asyncio(self, meter: Meter) -> None:
        event = asyncio.Event()

        async def waiter() -> None:
            await event.wait()

        tasks = [asyncio.create_task(waiter()) for _ in range(self.count)]
        await asyncio.sleep(0)
        with meter:
            event.set()
            for task in tasks:
                await task

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        event = trio.Event()

        async def waiter() -> None:
            await event.wait()

        async with trio.open_nursery() as nursery:
            for _ in range(self.count):
                nursery.start_soon(waiter)
            await all_blocked()
            meter.start()
            event.set()
        meter.stop()

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        event = curio.Event()

        async def waiter() -> None:
            await event.wait()

        tasks = [await curio.spawn(waiter) for _ in range(self.count)]
        await curio.sleep(0)
        with meter:
            await event.set()
            for task in tasks:
                await task.join()
