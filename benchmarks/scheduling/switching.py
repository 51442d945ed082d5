"""What it costs to switch from task to task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from ..dialects import Words
from ..workload import Meter
from .family import Scheduling


class Switch(Scheduling):
    """Some tasks do nothing but `sleep(0)`."""

    def __init__(self, tasks: int) -> None:
        super().__init__(f"switch-{tasks}", f"sleep(0), {tasks:,} task{'s' if tasks > 1 else ''}", 200_000, 2 * tasks)
        self.tasks = tasks

    async def switching(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        for _ in range(self.count // self.tasks):
            await sleep(0)

    async def on_each(self, meter: Meter, words: Words) -> None:
        async with words.tasks() as tasks:
            await tasks.spawn(self.tasks, self.switching, words.sleep)
            meter.start()
        meter.stop()


class Contexts(Scheduling):
    """100 tasks set a context variable, each to its own value, do a `sleep(0)`, and get the variable."""

    TASKS = 100
    without = ("curio",)  # whose tasks share one context

    def __init__(self) -> None:
        super().__init__("contextvars", "sleep(0) and a context variable, 100 tasks", 100_000, 200)

    async def on_each(self, meter: Meter, words: Words) -> None:
        sleep = words.sleep
        variable: ContextVar[int] = ContextVar("variable")

        async def setting(own: int) -> None:
            for number in range(self.count // self.TASKS):
                variable.set(own + number)
                await sleep(0)
                if variable.get() != own + number:
                    raise AssertionError("another task's value of a context variable was seen")

        async with words.tasks() as tasks:
            await tasks.spawn_each(setting, range(self.TASKS))
            meter.start()
        meter.stop()
