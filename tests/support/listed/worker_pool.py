"""A pool of workers: one works while it holds a lock, one waits for the lock, one waits for a job."""

from __future__ import annotations

from typing import Any

from kernel import Lock, Queue, TaskGroup, sleep
from kernel.insight import snapshot


async def worker(jobs: Queue[float], press: Lock) -> None:
    async for seconds in jobs:
        async with press:
            await sleep(seconds)


async def main(seen: list[dict[str, Any]]) -> None:
    jobs: Queue[float] = Queue()
    press = Lock()
    async with TaskGroup() as group:
        for number in range(3):
            await group.spawn(worker(jobs, press), name=f"worker {number}")
        await jobs.put(1.5)
        await jobs.put(2)
        await sleep(0.5)
        seen.append(snapshot())
        jobs.close()
