"""What nested calls cost."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import kernel

from ..accounting import resident_memory
from ..contenders import Contender
from ..workload import Figures, Meter, Timed


class Depth(Timed):
    """Nested calls by `yield`. Only the kernel has them; the interpreter's stack does not limit their depth."""

    fresh = True

    def __init__(self) -> None:
        super().__init__("depth", "cost", "1,000,000 nested calls by yield, each", 1_000_000, 5000)

    def warm_up(self, contender: Contender) -> None:
        """Do nothing: a process keeps the memory of one run, and so the next would seem to take none."""

    def nested(self, depth: int) -> Generator[Any, Any, int]:
        if depth == 0:
            return 0
        inner: int = yield self.nested(depth - 1)
        if depth == self.count:
            self.at_return = resident_memory()
        return inner + 1

    def sample(self, contender: Contender, quick: bool) -> Figures:
        before = resident_memory()
        figures = super().sample(contender, quick)
        return {**figures, "bytes a call": (self.at_return - before) / self.count}

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            reached = await kernel.call(self.nested(self.count))
        if reached != self.count:
            raise AssertionError(f"{self.count} nested calls counted {reached}")
