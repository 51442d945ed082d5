"""What a workload is, and how one figure is got from it."""

from __future__ import annotations

import gc
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from .contenders import Contender
from .orders import Worker, tell


class Meter:
    """Adds up the processor time, user and system, that all threads of this process take inside `with meter:`."""

    def __init__(self) -> None:
        self.spent = 0  # nanoseconds
        self._began = 0

    def start(self) -> None:
        self._began = time.process_time_ns()

    def stop(self) -> None:
        self.spent += time.process_time_ns() - self._began

    def __enter__(self) -> Meter:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


Figures = dict[str, float]  # "value", which is compared, and whatever else is worth telling


class Workload(ABC):
    """One piece of work, and how one figure is got from it.

    A subclass has coroutine functions that do the work. `on_each(..., words)` does it in every dialect.
    `on_kernel(...)`, `on_asyncio(...)`, `on_trio(..., trio)` and `on_curio(..., curio)` do it in one dialect, and are
    preferred to `on_each`. `Timed`, `Memory` and `Served` say what the other arguments are.
    """

    needs: tuple[str, ...] = ()  # modules without which it cannot be done at all
    without: tuple[str, ...] = ()  # dialects that `on_each` is not for
    most_rounds = 1000  # for work that takes long

    def __init__(self, name: str, family: str, title: str, unit: str) -> None:
        self.name = name  # what the command line calls it
        self.family = family  # the table it stands in
        self.title = title  # what it does, in a line
        self.unit = unit  # of "value"; less is better, whatever the unit

    def speaks(self, contender: Contender) -> bool:
        """Whether it is written for that contender."""
        return hasattr(self, f"on_{contender.dialect}") or (
            hasattr(self, "on_each") and contender.dialect not in self.without)

    def perform(self, contender: Contender, *arguments: Any) -> Any:
        """Run what is written for the contender's dialect to its end, and return what it returns."""
        if hasattr(self, f"on_{contender.dialect}"):
            return contender.run(getattr(self, f"on_{contender.dialect}"), *arguments, *contender.library)
        return contender.run(getattr(self, "on_each"), *arguments, contender.words())

    @abstractmethod
    def open(self, contender: Contender, quick: bool) -> AbstractContextManager[Callable[[], Figures]]:
        """Make everything ready for `contender`, and give a function that does the work once.

        `quick`: do as little as possible.
        """

    @abstractmethod
    def work(self, contender: Contender, quick: bool) -> None:
        """Take orders from standard input until it ends: this is what the worker process does."""


class Alone(Workload):
    """Work that a single process does."""

    fresh = False  # whether every round has a new process

    @abstractmethod
    def sample(self, contender: Contender, quick: bool) -> Figures:
        """Do the work once, in a worker."""

    def warm_up(self, contender: Contender) -> None:
        """Get ready for the first round, in a worker."""

    @contextmanager
    def open(self, contender: Contender, quick: bool) -> Iterator[Callable[[], Figures]]:
        if self.fresh:
            yield lambda: self._once(contender, quick)
        else:
            with Worker(self.name, contender.name, quick) as worker:
                worker.ask()
                yield lambda: worker.ask("again")

    def _once(self, contender: Contender, quick: bool) -> Figures:
        with Worker(self.name, contender.name, quick) as worker:
            worker.ask()
            figures: Figures = worker.ask("once")
            return figures

    def work(self, contender: Contender, quick: bool) -> None:
        self.warm_up(contender)
        tell("ready")
        for _ in sys.stdin:
            gc.collect()
            tell(self.sample(contender, quick))


class Timed(Alone):
    """`count` operations; the figure is the processor time that one takes on average.

    The coroutine functions of a subclass get a meter, and do `self.count` operations inside `with meter:`.
    """

    def __init__(self, name: str, family: str, title: str, count: int, quick_count: int) -> None:
        super().__init__(name, family, title, "ns")
        self.full_count = self.count = count
        self.quick_count = quick_count

    def warm_up(self, contender: Contender) -> None:
        # Before the first round everything is imported, and the interpreter has adapted itself to the code.
        self.sample(contender, True)

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.count = self.quick_count if quick else self.full_count
        meter = Meter()
        self.perform(contender, meter)
        return {"value": meter.spent / self.count}
