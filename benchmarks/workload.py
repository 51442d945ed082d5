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
    """Adds up the processor time, user and system, that all threads of this process spend inside `with meter:`."""

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

    A subclass has coroutine functions that do the work. `on_each(..., words)` does it in the words of every dialect.
    `on_kernel(...)`, `on_asyncio(...)`, `on_trio(..., trio)` and `on_curio(..., curio)` do it in one dialect, also
    where there is an `on_each`. What the other arguments are, the base class of the workload says.
    """

    needs: tuple[str, ...] = ()  # modules without which it cannot be done at all
    without: tuple[str, ...] = ()  # dialects that `on_each` is not for
    most_rounds = 1000  # for work that takes long

    def __init__(self, name: str, family: str, title: str, unit: str) -> None:
        self.name = name  # what the command line calls it
        self.family = family  # the table it stands in
        self.title = title  # what it does, in a line
        self.unit = unit  # what "value" is; less is better, whatever it is

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
        """Make everything ready for `contender`; each call then does the work once. `quick`: as little as possible."""

    @abstractmethod
    def work(self, contender: Contender, quick: bool) -> None:
        """What the worker process does: take orders from standard input until its end."""


class Alone(Workload):
    """Work that one process does without another."""

    fresh = False  # whether every round takes a new process

    @abstractmethod
    def sample(self, contender: Contender, quick: bool) -> Figures:
        """Do the work once, in a worker."""

    def warm_up(self, contender: Contender) -> None:
        """What a worker does before the first round."""

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
    """`count` operations, of which the mean processor time is the figure.

    The coroutine functions of a subclass get a meter, and do `self.count` operations inside `with meter:`.
    """

    def __init__(self, name: str, family: str, title: str, count: int, quick_count: int) -> None:
        super().__init__(name, family, title, "ns")
        self.full_count = self.count = count
        self.quick_count = quick_count

    def warm_up(self, contender: Contender) -> None:
        # All is imported, and the interpreter adapted, before the first round.
        self.sample(contender, True)

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.count = self.quick_count if quick else self.full_count
        meter = Meter()
        self.perform(contender, meter)
        return {"value": meter.spent / self.count}
