"""Threads that call into a loop without end, as with asyncio's: its tasks keep their turns and the run ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

import compat
from kernel.calls import BACKLOG


@pytest.mark.parametrize("threads", [1, 3])
def test_a_flood_of_calls_neither_starves_tasks_nor_fills_the_memory(threads: int) -> None:
    asked = [0] * threads
    made = 0
    over = threading.Event()

    def call() -> None:
        nonlocal made
        made += 1

    def flood(loop: asyncio.AbstractEventLoop, number: int) -> None:
        while not over.is_set():
            loop.call_soon_threadsafe(call)
            asked[number] += 1

    async def main() -> str:
        loop = asyncio.get_running_loop()
        workers = [threading.Thread(target=flood, args=(loop, number)) for number in range(threads)]
        for worker in workers:
            worker.start()
        try:
            for _ in range(20):
                await asyncio.sleep(0.005)
                assert sum(asked) - made < 3 * BACKLOG
        finally:
            over.set()
        for worker in workers:
            worker.join()
        return "done"

    assert compat.run(main()) == "done"
    assert all(asked)
