"""What `strace -c` prints at the end: how often tasks asked for what, how long that took, and who used the processor."""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Callable, Collection, Iterable
from heapq import heappushpop, nlargest
from typing import Any

from ..checks import code_name
from ..syscalls import Call, Syscall
from ..task import Task
from .names import label
from .requests import is_future, kind_of, library_call, program_place, text_of
from .strace import matches
from .transcripts import check_kinds
from .watching import Observer, StandIn, Watch, answer_to

LONGEST = 5  # steps that are shown
MOST = 20  # rows of a table that are shown
_DEFAULT = re.compile(r"Task-[0-9]+")


class Row:
    """A row of a table: the requests of one kind, or of the tasks of one name."""

    __slots__ = ("busy", "calls", "errors", "longest", "name", "shown", "steps", "total")

    def __init__(self, name: str, shown: bool = True) -> None:
        self.name = name
        self.shown = shown
        self.calls = 0
        self.errors = 0
        self.total = 0.0  # seconds from requests to answers
        self.longest = 0.0
        self.steps = 0
        self.busy = 0.0  # seconds that the steps of tasks took

    def answered(self, seconds: float, failed: bool) -> None:
        self.errors += failed
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds


class Summary(Observer):
    """Counts requests by kind and by task, and measures steps; `text` gives the tables.

    `kinds` and `task` choose as for `Strace`. The times of requests are those of the kernel's clock, from the request
    to its answer. Those of steps are real time, from the beginning of a piece of a task's code to its next request.
    Tasks of one name share a row, since there may be very many; and so do tasks of one function that asyncio has named.
    A call of code on the task's own stack is counted, and takes no time: what the code asks for is counted by itself.
    """

    def __init__(self, kinds: Collection[str] | None = None, *, task: str | None = None) -> None:
        check_kinds(kinds)
        self._kinds = kinds
        self._pattern = task
        self._requests: dict[str, Row] = {}
        self._tasks: dict[str, Row] = {}
        self._steps: list[tuple[float, str, str]] = [(0.0, "", "")] * LONGEST  # a heap: the shortest of them is first
        self._known: dict[Any, Row] = {}  # rows of requests, by the class or the code that says which it is

    def ear(self, watch: Watch) -> Observer:
        return Counter(self, watch)

    def row_of_task(self, task: Task[Any]) -> Row:
        name = task.name
        if _DEFAULT.fullmatch(name):  # of asyncio's, a number: one row for all tasks of one function
            name = code_name(task.code)
        row = self._tasks.get(name)
        if row is None:
            row = self._tasks[name] = Row(name, matches(task, self._pattern))
        return row

    def row_of(self, task: Task[Any], request: Any) -> Row:
        """The row of a request that `task` has just made, and that is not None."""
        key: Any = type(request)
        if not isinstance(request, Syscall) and not is_future(request):
            key = Call  # by yielding the code itself
        elif is_future(request) and (frame := library_call(task)) is not None:
            key = frame.f_code
        row = self._known.get(key)
        if row is None:
            text = "call(...)" if key is Call else text_of(task, request)
            name = "call" if key is Call else text_of(task, request, False).partition("(")[0]
            row = self._requests.get(name)
            if row is None:
                shown = self._is_shown(kind_of(task, request))
                row = self._requests[name] = Row(name, shown)
            if not text.startswith("<"):  # else the text names the class of another object
                self._known[key] = row
        return row

    def yields(self) -> Row:
        """The row of a bare `yield`, and of `sleep(0)`."""
        return self._requests.setdefault("checkpoint", Row("checkpoint", self._is_shown("time")))

    def _is_shown(self, kind: str) -> bool:
        return self._kinds is None or kind in self._kinds

    @property
    def shortest(self) -> float:
        """How long a step must take to be one of those that are shown."""
        return self._steps[0][0]

    def add_step(self, task: Task[Any], seconds: float) -> None:
        heappushpop(self._steps, (seconds, label(task), program_place(task)))

    def text(self) -> str:
        """The tables: requests by kind, requests by task, and the longest steps."""
        lines = ["% waiting    seconds    longest    calls   errors request"]
        lines += table(self._requests.values())
        lines += ["", "% waiting    seconds    longest    calls   errors    steps       busy task"]
        lines += table(self._tasks.values(), True)
        steps = sorted((step for step in self._steps if step[1]), reverse=True)
        if steps:
            lines += ["", "longest steps"]
            lines += [f"{seconds:9.6f}s {task}, up to {place}" for seconds, task, place in steps]
        return "\n".join([*lines, ""])


def table(rows: Iterable[Row], of_tasks: bool = False) -> list[str]:
    """The lines of a table, the longest total first, and one for the sum."""
    chosen = [row for row in rows if row.shown and (row.calls or row.steps)]
    everything = Row("total")
    for row in chosen:
        everything.calls += row.calls
        everything.errors += row.errors
        everything.total += row.total
        everything.longest = max(everything.longest, row.longest)
        everything.steps += row.steps
        everything.busy += row.busy
    order = nlargest(MOST, chosen, key=lambda row: (row.total, row.busy, row.calls))
    lines = []
    for row in [*order, everything]:
        share = 100 * row.total / everything.total if everything.total else 0.0
        line = f"{share:8.2f}% {row.total:11.6f} {row.longest:10.6f} {row.calls:8} {row.errors or '':>8} "
        lines.append(line + (f"{row.steps:8} {row.busy:10.6f} " if of_tasks else "") + row.name)
    if len(chosen) > MOST:
        lines.insert(MOST, f"{'':49}... and {len(chosen) - MOST} more")
    return lines


class Counter(Observer):
    """Counts for one kernel."""

    def __init__(self, summary: Summary, watch: Watch) -> None:
        self._summary = summary
        self._now = watch.kernel.clock.now

        class Context(CountedContext):
            """The stand-in with what it needs for this kernel: in the class, so that no instance has to be given it."""

            __slots__ = ()
            total = summary
            now = staticmethod(self._now)
            yields = summary.yields()

        self._context_type: type[CountedContext] = Context

    def attach(self, task: Task[Any]) -> None:
        stand_in = self._context_type()
        stand_in.inner = task.context
        stand_in.since = None
        stand_in.asked = stand_in.request = None
        stand_in.task = weakref.ref(task)  # which holds the stand-in
        stand_in.row = self._summary.row_of_task(task)
        task.context = stand_in  # type: ignore[assignment]  # a stand-in

    adopt = attach

    def renamed(self, task: Task[Any]) -> None:
        stand_in: Any = task.context
        while type(stand_in) is not self._context_type:
            stand_in = stand_in.inner
        stand_in.row = self._summary.row_of_task(task)


class CountedContext(StandIn):
    """Counts the requests of a task and measures its steps."""

    __slots__ = ("asked", "request", "row", "task")

    total: Summary
    now: Callable[[], float]
    yields: Row
    asked: Row | None  # of the request that has not been answered yet,
    request: Any  # which is this
    row: Row
    task: Callable[[], Task[Any] | None]

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        row = self.row
        if self.asked is not None:
            self._answered(resume is type(code).throw, value)
        begin = time.monotonic()
        request: Any = None
        try:
            request = self.inner.run(resume, code, value)
        finally:
            del value  # it may be an exception, whose traceback has this frame: they would hold each other
            seconds = time.monotonic() - begin
            row.steps += 1
            row.busy += seconds
            if seconds > self.total.shortest:
                self._note(self.total.add_step, seconds)
        row.calls += 1
        if request is None:
            self.yields.calls += 1
        else:
            self._note(self._count, request)
        return request

    def _note(self, function: Callable[[Task[Any], Any], None], detail: Any) -> None:
        """Call `function`, which looks at the program's objects; if that fails, it makes no difference to the task."""
        task = self.task()
        if task is not None:
            try:
                function(task, detail)
            except Exception as error:
                task.kernel.report(f"what {task} does could not be counted", error)

    def _count(self, task: Task[Any], request: Any) -> None:
        asked = self.total.row_of(task, request)
        asked.calls += 1
        self.asked = asked
        self.request = request
        self.since = self.now()

    def _answered(self, thrown: bool, value: Any) -> None:
        asked, request, since = self.asked, self.request, self.since
        self.asked = self.request = self.since = None
        assert asked is not None and since is not None
        seconds = self.now() - since
        failed = answer_to(self.task(), request, thrown, value)[1] is not None
        asked.answered(seconds, failed)
        self.row.answered(seconds, failed)
