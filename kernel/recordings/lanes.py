"""What a timeline shows of one task and of one kernel: the rows there, and what in them has begun and not ended.

The methods give or write events of the Trace Event format, each as a line of JSON.
"""

from __future__ import annotations

from collections.abc import Callable

from .axes import Axis
from .words import quoted

APART = 10_000  # nanoseconds between two values of a counter that may change with each step
BRANCH, LINE = "\N{BOX DRAWINGS LIGHT UP AND RIGHT}", "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
INVISIBLE = str.maketrans("01", "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NON-JOINER}")


def microseconds(time: int) -> str:
    """A time in nanoseconds, in the unit of the format."""
    return f"{time // 1000}.{time % 1000:03}"


class Counter:
    """A number over time that may change with each step, so not every value is written."""

    def __init__(self, write: Callable[[int, int], object]) -> None:
        self._write = write
        self._value = 0
        self._since = 0
        self._written = -APART, 0  # when, and the value

    def add(self, time: int, change: int) -> None:
        if time - self._written[0] >= APART:
            self.flush()
        self._value += change
        self._since = time

    def flush(self) -> None:
        """Write the number, and since when it is that."""
        if self._value != self._written[1]:
            self._write(self._since, self._value)
            self._written = self._since, self._value


class Timers:
    """How many timers a kernel has. The recording tells that now and then; of tasks that sleep it tells at once."""

    def __init__(self, write: Callable[[int, int], object], late: bool) -> None:
        self._counter = Counter(write)
        self._late = late  # whether a request is carried out after the count that is made when the request is
        self._sleeping = 0
        self._others = 0
        self._asked = -1  # when a task has begun to sleep

    def sleep(self, time: int) -> None:
        """A task begins to sleep."""
        self._asked = time
        self._sleeping += 1
        self._counter.add(time, 1)

    def wake(self, time: int) -> None:
        """A task that slept does not any more."""
        self._sleeping -= 1
        self._counter.add(time, -1)

    def count(self, time: int, timers: int) -> None:
        others = max(timers - self._sleeping + (self._late and time == self._asked), 0)
        self._counter.add(time, others - self._others)
        self._others = others

    def flush(self) -> None:
        self._counter.flush()


class KernelLane:
    """A kernel: a process of the timeline. The row of its loop has what wakes tasks and is no task, and its idle times."""

    def __init__(self, pid: int, loop: int, axis: Axis, late: bool, write: Callable[[str], object]) -> None:
        self.pid = pid
        self.loop = loop  # the number of the row
        self.axis = axis
        self._put = write
        self.ready = Counter(lambda time, value: self.count("ready", "tasks", time, str(value)))
        self.timers = Timers(lambda time, value: self.count("timers", "set", time, str(value)), late)
        self._open: tuple[int, str, str] | None = None  # a slice of the loop: since when, and what is in it

    def open(self, time: int, category: str, name: str) -> None:
        """Begin a slice of the loop, until something else happens in the kernel."""
        self._open = time, category, name

    def close(self, time: int) -> None:
        """End the slice of the loop that is open, if one is."""
        if self._open is not None:
            since, category, name = self._open
            self._open = None
            self._put(f'{{"ph":"X","pid":{self.pid},"tid":{self.loop},"ts":{microseconds(since)},'
                      f'"dur":{microseconds(time - since)},"cat":"{category}","name":{name}}}')

    def count(self, name: str, unit: str, time: int, value: str) -> None:
        """The value of a counter; viewers show its name and the unit."""
        self._put(f'{{"ph":"C","pid":{self.pid},"ts":{microseconds(time)},"name":"{name}",'
                  f'"args":{{"{unit}":{value}}}}}')


class TaskLane:
    """A task. One row has its steps; it is a thread of the timeline. Another has its life, and in that its waits."""

    def __init__(self, number: int, tid: int, label: str, depth: int, kernel: KernelLane, spot: tuple[str, str],
                 digits: int) -> None:
        self.kernel = kernel
        self.tid = tid
        self.label = quoted(label)
        row = f"{BRANCH}{LINE * depth} {label}" if depth else label
        self.row = quoted(row)
        # Perfetto sorts the rows that are no threads by their names. It has them from the first event in each.
        self.sorted_row = quoted(f"{tid:0{digits}b}".translate(INVISIBLE) + f"{row} waits")
        self.alive = False
        self.ready: int | None = None  # since when it is ready,
        self.running: int | None = None  # or runs,
        self.waiting: int | None = None  # or is blocked,
        self.request = 0  # on this,
        self.sleeping = False  # which has a deadline or not,
        self.showed = 0  # when the kernel's clock showed this
        self.spot = spot  # where it has made its last request: the function, and the line in it
        self.begun = spot  # the same before this step,
        self.answer = ""  # which began with this argument,
        self.delay = 0  # so long after the task was ready
        self.asked: tuple[int, int] | None = None  # a request that is answered at once: when, and which
        self.inside: list[str] = []  # events in this step, which come after it
        self.arrow: tuple[int, int] | None = None  # from who has woken it: the thread, and when
        self._thread = f'"pid":{kernel.pid},"tid":{tid}'
        self._id = f'{self._thread},"id2":{{"local":"{number}"}}'

    def event(self, phase: str, time: int, rest: str) -> str:
        """An event of the thread."""
        return f'{{"ph":"{phase}",{self._thread},"ts":{microseconds(time)},{rest}}}'

    def span(self, phase: str, time: int, rest: str) -> str:
        """The beginning or the end of a span."""
        return f'{{"ph":"{phase}",{self._id},"ts":{microseconds(time)},"cat":"task",{rest}}}'

    def slice(self, since: int, time: int, rest: str) -> str:
        """An event of the thread that takes time."""
        return self.event("X", since, f'"dur":{microseconds(time - since)},{rest}')
