"""Threads that call into a loop without end, as with asyncio's: its tasks keep their turns and the run ends."""

from __future__ import annotations

import asyncio
import resource
import threading

import pytest

import compat

MEMORY = 200 << 10  # KiB; without a limit it takes several times as much before the test is given up


@pytest.mark.parametrize("threads", [1, 3])
def test_a_flood_of_calls_neither_starves_tasks_nor_fills_the_memory(threads: int) -> None:
    made = [0] * threads
    over = threading.Event()

    def flood(loop: asyncio.AbstractEventLoop, number: int) -> None:
        try:
            while not over.is_set():
                loop.call_soon_threadsafe(int)
                made[number] += 1
        except RuntimeError:  # closed
            pass

    async def main() -> str:
        workers = [threading.Thread(target=flood, args=(asyncio.get_running_loop(), number)) for number in range(threads)]
        for worker in workers:
            worker.start()
        try:
            for _ in range(20):
                await asyncio.sleep(0.005)
        finally:
            over.set()
        for worker in workers:
            worker.join()
        return "done"

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with asyncio.Runner(loop_factory=compat.new_event_loop) as runner:
        assert runner.run(main()) == "done"
    assert all(made)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
