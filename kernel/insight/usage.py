"""Who uses the processor: the steps of each task, how long they took, and since when a task waits.

A live view asks for these figures again and again. They are kept by task, and go with the task.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from ..core import Kernel
from ..task import Task
from .names import number
from .requests import program_place
from .watching import Observer, StandIn

LONG = 0.001  # seconds; of steps that are shorter nobody asks where they were


class Used(NamedTuple):
    """What a task has used since the observer came, or since it was made."""

    steps: int
    busy: float  # seconds that the steps took
    longest: float  # seconds that the longest of them took,
    longest_at: str  # and up to which place in the code, if it took over a millisecond


class Figures:
    """The same while it is being counted."""

    __slots__ = ("busy", "longest", "place", "since", "steps")

    def __init__(self) -> None:
        self.steps = 0
        self.busy = 0.0
        self.longest = 0.0
        self.place = ""
        self.since: float | None = None  # when the last request was made, on the kernel's clock


class Usage(Observer):
    """Measures the tasks of one kernel.

    The time of a step is real time, from the beginning of a piece of a task's code to its next request. So a step that
    calls a function that blocks is a long one.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.steps = 0  # of all tasks, also of those that have ended
        self.busy = 0.0
        self.longest = 0.0  # seconds, since it was set to 0
        self._figures: weakref.WeakKeyDictionary[Task[Any], Figures] = weakref.WeakKeyDictionary()

        class Context(MeteredContext):
            """The stand-in with what it needs for this kernel: in the class, so that no instance has to be given it."""

            __slots__ = ()
            usage = self
            now = staticmethod(kernel.clock.now)

        self._context_type = Context

    def attach(self, task: Task[Any]) -> None:
        # The figures of a task outlive its stand-in, which another observer's coming or going takes away.
        figures = self._figures.get(task)
        if figures is None:
            figures = self._figures[task] = Figures()
        stand_in = self._context_type()
        stand_in.inner = task.context
        stand_in.figures = figures
        stand_in.task = weakref.ref(task)  # which holds the stand-in
        task.context = stand_in  # type: ignore[assignment]  # a stand-in

    adopt = attach

    def used(self) -> dict[int, Used]:
        """The figures of the tasks that have run and are not done, by their numbers. To be called in the kernel's thread."""
        return {number(task): Used(figures.steps, figures.busy, figures.longest, figures.place)
                for task, figures in self._figures.items() if figures.steps and not task.done()}


class MeteredContext(StandIn):
    """Counts the steps of a task, and measures them."""

    __slots__ = ("figures", "task")

    usage: Usage
    now: Callable[[], float]
    figures: Figures
    task: Callable[[], Task[Any] | None]

    @property
    def since(self) -> float | None:  # type: ignore[override]  # nobody else sets it
        return self.figures.since

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        begin = time.monotonic()
        try:
            request = self.inner.run(resume, code, value)
        finally:
            del value  # it may be an exception, whose traceback has this frame: they would hold each other
            seconds = time.monotonic() - begin
            usage, figures = self.usage, self.figures
            usage.steps += 1
            usage.busy += seconds
            figures.steps += 1
            figures.busy += seconds
            if seconds > usage.longest:
                usage.longest = seconds
            if seconds > figures.longest:
                figures.longest = seconds
                if seconds > LONG:
                    self._note_place()
        if request is not None:  # else the task does not wait
            figures.since = self.now()
        return request

    def _note_place(self) -> None:
        task = self.task()
        if task is not None:
            try:
                self.figures.place = program_place(task)
            except Exception as error:  # of the program's objects, at which this looks
                task.kernel.report(f"the place of a step of {task} cannot be told", error)
