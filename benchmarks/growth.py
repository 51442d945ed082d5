"""Whether the cost of an operation grows with the number of tasks and timers there are.

A crowd of tasks goes through its life together, and each step of it is measured by itself: every task is *spawned*,
waits for an event and is *woken* by it, *switches* once, and falls asleep, which *inserts* a timer; half of them are
*cancelled*, and the rest go on when their timers, due by then, *expire*. The tasks of a crowd are ready together and
run in the order in which they were made ready, so that one `sleep(0)` of the main task lets each of them make one step.
"""

from __future__ import annotations

import asyncio
import random
import time

import kernel

from .accounting import resident_memory
from .contenders import Contender
from .spans import DISTANT, SEED
from .workload import Alone, Figures, Meter

SIZES = (1000, 10_000, 100_000, 1_000_000)
STEPS = ("spawn", "wake", "switch", "insert", "cancel", "expire")


class Crowd(Alone):
    """The life of `size` tasks: the sum of all steps, for one task, and each step."""

    fresh = True
    most_rounds = 3

    def __init__(self, size: int) -> None:
        super().__init__(f"crowd-{size}", "growth", f"the life of a task among {size:,}", "ns")
        self.size = size

    def speaks(self, contender: Contender) -> bool:
        return contender.dialect in ("kernel", "asyncio")

    def sample(self, contender: Contender, quick: bool) -> Figures:
        size = self.size // 100 if quick else self.size
        meters = {step: Meter() for step in STEPS}
        before = resident_memory()
        code = on_kernel if contender.dialect == "kernel" else on_asyncio
        memory = contender.run(code, size, meters, 0.2 + size * 10e-6) - before
        # Half of the tasks are cancelled, and half of them expire.
        each = {step: meter.spent / size * (2 if step in ("cancel", "expire") else 1) for step, meter in meters.items()}
        return {"value": sum(meter.spent for meter in meters.values()) / size, **each, "MiB": memory / (1 << 20)}


def delays(size: int, shortest: float) -> list[float]:
    """For every other task one that does not end, and for the rest `shortest` seconds or up to a quarter more."""
    order = random.Random(SEED)
    return [DISTANT + order.random() if number % 2 else shortest + order.random() / 4 for number in range(size)]


async def on_kernel(size: int, meters: dict[str, Meter], shortest: float) -> int:
    event = kernel.Event()

    async def life(delay: float) -> None:
        await event.wait()
        await kernel.sleep(0)
        await kernel.sleep(0)
        await kernel.sleep(delay)

    spans = delays(size, shortest)
    with meters["spawn"]:
        tasks = [await kernel.spawn(life(delay)) for delay in spans]
    await kernel.sleep(0)
    with meters["wake"]:
        event.set()
        await kernel.sleep(0)
    with meters["switch"]:
        await kernel.sleep(0)
    with meters["insert"]:
        await kernel.sleep(0)
    began = time.monotonic()
    memory = resident_memory()
    with meters["cancel"]:
        for task in tasks[1::2]:
            task.cancel()
        await kernel.sleep(0)
    time.sleep(max(0.0, began + shortest + 0.25 - time.monotonic()))  # the timers are due together: none is waited for
    with meters["expire"]:
        for task in tasks[::2]:
            await task
    return memory


async def on_asyncio(size: int, meters: dict[str, Meter], shortest: float) -> int:
    event = asyncio.Event()

    async def life(delay: float) -> None:
        await event.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(delay)

    spans = delays(size, shortest)
    with meters["spawn"]:
        tasks = [asyncio.create_task(life(delay)) for delay in spans]
    await asyncio.sleep(0)
    with meters["wake"]:
        event.set()
        await asyncio.sleep(0)
    with meters["switch"]:
        await asyncio.sleep(0)
    with meters["insert"]:
        await asyncio.sleep(0)
    began = time.monotonic()
    memory = resident_memory()
    with meters["cancel"]:
        for task in tasks[1::2]:
            task.cancel()
        await asyncio.sleep(0)
    time.sleep(max(0.0, began + shortest + 0.25 - time.monotonic()))  # the timers are due together: none is waited for
    with meters["expire"]:
        for task in tasks[::2]:
            await task
    return memory


WORKLOADS = [Crowd(size) for size in SIZES]
