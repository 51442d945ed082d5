"""Tasks that return, fail, are cancelled and run out of time, with a semaphore, an event and a condition."""

import sys
from collections.abc import Generator
from typing import Any

from kernel import Cancelled, Condition, Event, Semaphore, Task, VirtualClock, checkpoint, run, sleep, spawn, timeout
from kernel.insight import record


async def fails() -> None:
    await sleep(0.15)
    raise ValueError("no luck")


def calls() -> Generator[Any, Any, str]:
    yield
    return (yield nap(0.1)) or "called"


async def nap(seconds: float) -> None:
    await sleep(seconds)


async def limited(semaphore: Semaphore, seconds: float) -> None:
    async with semaphore:
        await sleep(seconds)
        await checkpoint()


async def hurried() -> str:
    try:
        async with timeout(0.05):
            await sleep(10)
    except TimeoutError:
        return "too late"
    return "in time"


async def collect(condition: Condition, box: list[int]) -> int:
    async with condition:
        while not box:
            await condition.wait()
        return box.pop()


async def waiter(event: Event) -> None:
    await event.wait()


async def main() -> None:
    event, semaphore, condition, box = Event(), Semaphore(2), Condition(), list[int]()
    tasks: list[Task[Any]] = []
    for number in range(1, 4):
        tasks.append(await spawn(limited(semaphore, 0.1 * number), name=f"limited {number}"))
    tasks.append(await spawn(waiter(event), name="waiter"))
    tasks.append(await spawn(hurried(), name="hurried"))
    tasks.append(await spawn(calls(), name="calls"))
    collector = await spawn(collect(condition, box), name="collector")
    failing = await spawn(fails(), name="fails")
    sleeper = await spawn(nap(1000), name="sleeper")
    await sleep(0.1)
    event.set()
    async with condition:
        box.append(1)
        condition.notify()
    sleeper.cancel()
    for task in (failing, sleeper, collector, *tasks):
        try:
            await task
        except (ValueError, Cancelled):
            pass


with record(sys.argv[1]):
    run(main(), clock=VirtualClock())
