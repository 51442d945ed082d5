"""anyio 728: a memory object stream loses the item that it gives to a task which is cancelled.

anyio 4.3.0 has the bug. The remedy came with 4.4.0.

A worker takes jobs from a stream for half a second. The jobs that are left are for another worker. When the time is
over, and a job comes before the worker's next step, the stream gives the job to that worker, which does not take it any
more. The job is neither begun nor in the stream.
"""

from __future__ import annotations

from typing import Any

import anyio

JOBS = ["first", "second", "third"]


async def work(jobs: Any, begun: list[str]) -> None:
    with anyio.move_on_after(0.5):
        while True:
            begun.append(await jobs.receive())
            await anyio.sleep(0.1)


async def produce(jobs: Any) -> None:
    for job in JOBS:
        await anyio.sleep(0.3)
        await jobs.send(job)


async def main() -> None:
    begun: list[str] = []
    left: list[str] = []
    inlet, outlet = anyio.create_memory_object_stream(len(JOBS))
    async with anyio.create_task_group() as group:
        group.start_soon(work, outlet, begun)
        group.start_soon(produce, inlet)
    inlet.close()
    async with outlet:
        async for job in outlet:
            left.append(job)
    assert {*begun, *left} == {*JOBS}, f"jobs got lost: {begun} were begun, {left} are left"
