"""Programs of which tests look at what insight shows. What they do, and when, is the same each time in virtual time."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kernel import Cancelled, Lock, Queue, TaskGroup, checkpoint, sleep, spawn, timeout


async def pool() -> None:
    """Two workers get jobs from a queue, and do one at a time."""
    jobs: Queue[int] = Queue()
    lock = Lock()
    async with TaskGroup() as group:
        await group.spawn(work(jobs, lock), name="a")
        await group.spawn(work(jobs, lock), name="b")
        await checkpoint()
        await jobs.put(1)
        await jobs.put(2)
        jobs.close()


async def work(jobs: Queue[int], lock: Lock) -> None:
    async for job in jobs:
        async with lock:
            await sleep(job)


def failures() -> Generator[Any, Any, None]:
    """A program of generators: one calls another, and waits for tasks that fail, are cancelled, and take too long."""
    assert (yield sub()) == "sub"
    task = yield spawn(failing())
    try:
        yield task
    except ValueError:
        pass
    other = yield spawn(limited(), name="other")
    yield
    other.cancel()
    try:
        yield other
    except Cancelled:
        pass
    try:
        yield from limited().__await__()
    except TimeoutError:
        pass


def sub() -> Generator[Any, Any, str]:
    yield sleep(1)
    return "sub"


async def failing() -> None:
    await sleep(1)
    raise ValueError("a value")


async def limited() -> None:
    async with timeout(5):
        await sleep(10)
