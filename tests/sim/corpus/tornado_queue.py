"""tornado 2826: `Queue.get` loses the item when its task is cancelled.

No release of tornado has a remedy up to 6.6.1. `KeepingQueue` below has the one that those who reported it use.

A worker takes jobs from a queue. After half a second the service stops and cancels the worker. The jobs that are left
in the queue are for the next start. When the queue has given a job to the worker, and the worker is cancelled before
its next step, the job is neither begun nor in the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tornado.queues import Queue

JOBS = ["first", "second", "third"]


async def work(jobs: Any, begun: list[str]) -> None:
    while True:
        begun.append(await jobs.get())
        await asyncio.sleep(0.1)


async def produce(jobs: Any) -> None:
    for job in JOBS:
        await asyncio.sleep(0.3)
        jobs.put_nowait(job)


async def main(queue: Callable[[], Any] = Queue) -> None:
    jobs, begun = queue(), list[str]()
    worker = asyncio.create_task(work(jobs, begun), name="worker")
    producer = asyncio.create_task(produce(jobs), name="producer")
    await asyncio.sleep(0.5)
    worker.cancel()
    await asyncio.wait([worker])
    await producer
    left = [jobs.get_nowait() for _ in range(jobs.qsize())]
    assert {*begun, *left} == {*JOBS}, f"jobs got lost: {begun} were begun, {left} are left"


class KeepingQueue(Queue):  # type: ignore[misc]  # of no type where tornado is not installed
    """What a cancelled task was given goes back into the queue."""

    async def get(self, timeout: Any = None) -> Any:
        future = super().get(timeout)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.put_nowait(future.result())
            raise
