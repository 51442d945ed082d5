"""Whether the cost of an operation grows with the number of tasks and timers there are.

A crowd of tasks goes through its life together. Each step of it is measured by itself: every task is *spawned*, waits
for an event that *wakes* it, *switches* once, and falls asleep, which *inserts* a timer. Then every other task is
*cancelled*, and the timers of the rest *expire*. Last, as many new tasks fall asleep, and the main task ends: the
*shutdown* cancels all of them.

The tasks of a crowd become ready together, and run in the order in which they became ready. So during one `sleep(0)` of
the main task each of them makes one step.
"""

from __future__ import annotations

import random
import time

from .accounting import resident_memory
from .contenders import Contender
from .dialects import Words
from .scheduling.spawning import nothing
from .spans import DISTANT, SEED
from .workload import Alone, Figures, Meter

SIZES = (1000, 10_000, 100_000, 1_000_000)
STEPS = ("spawn", "wake", "switch", "insert", "cancel", "expire", "shutdown")


class Crowd(Alone):
    """The life of `size` tasks: the sum of all steps, for one task, and each step."""

    fresh = True
    most_rounds = 3
    without = ("trio", "curio")  # trio runs its tasks in random order, and curio's `cancel` has to be awaited

    def __init__(self, size: int) -> None:
        super().__init__(f"crowd-{size}", "growth", f"the life of a task among {size:,}", "ns")
        self.size = size

    def warm_up(self, contender: Contender) -> None:
        contender.run(nothing)  # what a library takes for itself is no part of the crowd's memory

    def sample(self, contender: Contender, quick: bool) -> Figures:
        size = self.size // 100 if quick else self.size
        meters = {step: Meter() for step in STEPS}
        before = resident_memory()
        memory = self.perform(contender, size, meters, 0.2 + size * 10e-6) - before
        meters["shutdown"].stop()
        # Half of the tasks are cancelled, and half of them expire.
        each = {step: meter.spent / size * (2 if step in ("cancel", "expire") else 1) for step, meter in meters.items()}
        return {"value": sum(meter.spent for meter in meters.values()) / size, **each, "MiB": memory / (1 << 20)}

    async def on_each(self, size: int, meters: dict[str, Meter], shortest: float, words: Words) -> int:
        sleep, event = words.sleep, words.Event()

        async def life(delay: float) -> None:
            await event.wait()
            await sleep(0)
            await sleep(0)
            await sleep(delay)

        spans = delays(size, shortest)
        async with words.tasks() as crowd:
            with meters["spawn"]:
                await crowd.spawn_each(life, spans)
            await sleep(0)
            with meters["wake"]:
                event.set()
                await sleep(0)
            with meters["switch"]:
                await sleep(0)
            with meters["insert"]:
                await sleep(0)
            began = time.monotonic()
            memory = resident_memory()
            with meters["cancel"]:
                for task in crowd.members[1::2]:
                    task.cancel()
                await sleep(0)
            # The main task sleeps until all timers are due, so that nobody waits for any.
            time.sleep(max(0.0, began + shortest + 0.25 - time.monotonic()))
            with meters["expire"]:
                for task in crowd.members[::2]:
                    await task
        del crowd
        rest = words.tasks()  # without `async with`, as nobody waits for them
        await rest.spawn(size, words.sleeper)
        await rest.settle()
        meters["shutdown"].start()
        return memory


def delays(size: int, shortest: float) -> list[float]:
    """How long each task sleeps: every other one for an hour, the rest for up to 0.25 seconds more than `shortest`."""
    order = random.Random(SEED)
    return [DISTANT + order.random() if number % 2 else shortest + order.random() / 4 for number in range(size)]


WORKLOADS = [Crowd(size) for size in SIZES]
