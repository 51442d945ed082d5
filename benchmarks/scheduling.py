"""What tasks cost: switching, spawning, waiting for each other, timers, cancellation.

Every class is one piece of work, done in the words of each dialect; where a library has no such thing the nearest that
its users would write is taken, or there is no method. Only what is inside `with meter:` counts, or, where a nursery has
to be waited for, between `meter.start()` and `meter.stop()`.
"""

from __future__ import annotations

import asyncio
import importlib
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import kernel

from .measuring import Meter, Timed

SEED = 1
DISTANT = 3600.0  # seconds; a deadline that never comes


async def nothing() -> None:
    pass


async def all_blocked() -> None:
    """Wait until every other task of trio's waits for something."""
    await importlib.import_module("trio.testing").wait_all_tasks_blocked()


class Scheduling(Timed):
    def __init__(self, name: str, title: str, count: int, quick_count: int) -> None:
        super().__init__(name, "scheduling", title, count, quick_count)


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


class Spawn(Scheduling):
    """Spawn a task that does nothing, wait for it, and so on."""

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
    """Run 10,000 coroutines at once and take all their results, in order; a task group where there is no `gather`."""

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


class Cancel(Scheduling):
    """10,000 tasks that sleep are cancelled and waited for."""

    def __init__(self) -> None:
        super().__init__("cancel", "cancel 10,000 sleeping tasks", 10_000, 100)

    async def on_kernel(self, meter: Meter) -> None:

        async def sleeper() -> None:
            await kernel.sleep(DISTANT)

        tasks = [await kernel.spawn(sleeper()) for _ in range(self.count)]
        await kernel.sleep(0)  # now all sleep
        with meter:
            for task in tasks:
                task.cancel()
            for task in tasks:
                try:
                    await task
                except kernel.Cancelled:
                    pass

    async def on_asyncio(self, meter: Meter) -> None:

        async def sleeper() -> None:
            await asyncio.sleep(DISTANT)

        tasks = [asyncio.create_task(sleeper()) for _ in range(self.count)]
        await asyncio.sleep(0)
        with meter:
            for task in tasks:
                task.cancel()
            for task in tasks:
                try:
                    await task
                except asyncio.CancelledError:
                    pass

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(self.count):
                nursery.start_soon(trio.sleep, DISTANT)
            await all_blocked()
            meter.start()
            nursery.cancel_scope.cancel()
        meter.stop()

    async def on_curio(self, meter: Meter, curio: Any) -> None:

        async def sleeper() -> None:
            await curio.sleep(DISTANT)

        tasks = [await curio.spawn(sleeper) for _ in range(self.count)]
        await curio.sleep(0)
        with meter:
            for task in tasks:
                await task.cancel(blocking=False)
            for task in tasks:
                await task.wait()


class Timeout(Scheduling):
    """A block with a time limit that does not run out, around a `sleep(0)`."""

    def __init__(self) -> None:
        super().__init__("timeout", "a timeout() block", 30_000, 100)

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                async with kernel.timeout(DISTANT):
                    await kernel.sleep(0)

    async def on_asyncio(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                async with asyncio.timeout(DISTANT):
                    await asyncio.sleep(0)

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        with meter:
            for _ in range(self.count):
                with trio.fail_after(DISTANT):
                    await trio.sleep(0)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        with meter:
            for _ in range(self.count):
                async with curio.timeout_after(DISTANT):
                    await curio.sleep(0)


class WaitFor(Scheduling):
    """`wait_for` a coroutine that does a `sleep(0)`; a timeout block around it where there is no `wait_for`."""

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


class CallSoon(Scheduling):
    """A number of callbacks each of which calls `call_soon` for itself. Of event loops only."""

    CHAINS = 100

    def __init__(self) -> None:
        super().__init__("call-soon", "call_soon(), 100 callbacks", 100_000, 200)

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon
        ended = loop.create_future()
        running = self.CHAINS

        def callback(left: int) -> None:
            nonlocal running
            if left > 1:
                call_soon(callback, left - 1)
            else:
                running -= 1
                if running == 0:
                    ended.set_result(None)

        with meter:
            for _ in range(self.CHAINS):
                call_soon(callback, self.count // self.CHAINS)
            await ended


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


class Threads(Scheduling):
    """A function that takes no time, called in a thread, one call after the other. The threads' time counts too."""

    def __init__(self) -> None:
        super().__init__("thread", "run_in_executor()", 3000, 20)

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            for _ in range(self.count):
                await kernel.run_in_thread(len, ())

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        with meter:
            for _ in range(self.count):
                await loop.run_in_executor(None, len, ())

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        with meter:
            for _ in range(self.count):
                await trio.to_thread.run_sync(len, ())

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        with meter:
            for _ in range(self.count):
                await curio.run_in_thread(len, ())


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


WORKLOADS = [Switch(1), Switch(100), Switch(10_000), Spawn(), Gather(), Group(), PingPong(), Queue(1), Queue(1000),
             Lock(), Broadcast(), Cancel(), Timeout(), WaitFor(), CallSoon(), KeepAlive(), Sleepers(), Threads(),
             Contexts()]
