"""What `strace -c` prints at the end: how often tasks asked for what, how long that took, and who used the processor."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Any

from ..deadlock import where
from ..syscalls import Syscall
from ..task import Task
from .names import label, number
from .requests import kind_of, text_of, without_arguments
from .strace import check_kinds, matches
from .watching import Observer

LONGEST = 5  # steps that are shown
MOST = 20  # rows of a table that are shown


class Row:
    """One row of a table: the calls of one kind, or of one task."""

    __slots__ = ("calls", "errors", "longest", "name", "total")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.errors = 0
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float, failed: bool) -> None:
        self.calls += 1
        self.errors += failed
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds


class Busy:
    """How long a task's steps have taken, in seconds of real time."""

    __slots__ = ("name", "place", "steps", "total", "worst")

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps = 0
        self.total = 0.0
        self.worst = 0.0
        self.place = ""  # where the longest ended


class Summary(Observer):
    """Counts requests by kind and by task, and measures steps; `text` gives the tables.

    `kinds` and `task` choose as for `Strace`. The times of requests are those of the kernel's clock, from the request
    to its answer; those of steps are real time, from the beginning of a piece of a task's code to the next request. Of
    tasks of one name the numbers are added up, since there may be very many.
    """

    def __init__(self, kinds: Collection[str] | None = None, *, task: str | None = None) -> None:
        check_kinds(kinds)
        self._kinds = kinds
        self._pattern = task
        self._by_request: dict[str, Row] = {}
        self._by_task: dict[str, Row] = {}
        self._busy: dict[str, Busy] = {}
        self._asked: dict[int, tuple[str, float]] = {}  # by the identity of the task
        self._began = 0.0

    def resume(self, task: Task[Any]) -> None:
        self._began = time.perf_counter()

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        self._end_step(task)
        if matches(task, self._pattern) and (self._kinds is None or kind_of(task, request) in self._kinds):
            self._asked[id(task)] = (without_arguments(text_of(task, request, False)), task.kernel.clock.now())

    def answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> None:
        name, since = self._asked.pop(id(task), ("", 0.0))
        if name:
            seconds, failed = task.kernel.clock.now() - since, error is not None
            row(self._by_request, name).add(seconds, failed)
            row(self._by_task, task.name).add(seconds, failed)

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        self._end_step(task)
        self._asked.pop(id(task), None)

    def _end_step(self, task: Task[Any]) -> None:
        seconds = time.perf_counter() - self._began
        busy = self._busy.get(task.name)
        if busy is None:
            busy = self._busy[task.name] = Busy(task.name)
        busy.steps += 1
        busy.total += seconds
        if seconds > busy.worst:
            busy.worst, busy.place = seconds, where(task)
