"""How a workload is measured: in rounds, the contenders taking turns, each in a process of its own.

In every round each contender does the same work, one after the other (A B C A B C ...), so that whatever else the
machine does meanwhile befalls them alike. A contender's process lives through all rounds and rests while the others
work: none finds the interpreter as another has left it, adapted to another loop's classes. The figure is processor
time, user and system, which does not count waiting; ratios are formed round by round, and then have a median and a
spread like any other figure.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from .contenders import Contender

ROOT = Path(__file__).resolve().parent.parent

# A ratio whose middle half of the rounds is wider than this part of it says nothing.
WIDEST_SPREAD = 0.15
# Others that take more than this part of the machine's processor time while a workload is measured disturb it.
MOST_BY_OTHERS = 0.10
LONGEST_ROUND = 300.0  # seconds; a process that takes longer hangs


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
    """One piece of work, and how one figure is got from it."""

    needs: tuple[str, ...] = ()  # modules without which it cannot be done at all
    most_rounds = 1000  # for work that takes long

    def __init__(self, name: str, family: str, title: str, unit: str) -> None:
        self.name = name  # what the command line calls it
        self.family = family  # the table it stands in
        self.title = title  # what it does, in a line
        self.unit = unit  # what "value" is; less is better, whatever it is

    @abstractmethod
    def speaks(self, contender: Contender) -> bool:
        """Whether it is written for that contender."""

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

    A subclass has a method for each dialect it speaks, `on_kernel(meter)`, `on_asyncio(meter)`, `on_trio(meter, trio)`,
    `on_curio(meter, curio)`: a coroutine function that does `self.count` operations inside `with meter:`.
    """

    def __init__(self, name: str, family: str, title: str, count: int, quick_count: int) -> None:
        super().__init__(name, family, title, "ns")
        self.full_count = self.count = count
        self.quick_count = quick_count

    def speaks(self, contender: Contender) -> bool:
        return hasattr(self, f"on_{contender.dialect}")

    def warm_up(self, contender: Contender) -> None:
        # All is imported, and the interpreter adapted, before the first round.
        self.sample(contender, True)

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.count = self.quick_count if quick else self.full_count
        meter = Meter()
        contender.run(getattr(self, f"on_{contender.dialect}"), meter, *contender.library)
        return {"value": meter.spent / self.count}


def tell(answer: Any) -> None:
    """Answer an order, in a worker."""
    print(json.dumps(answer), flush=True)


class Failed(Exception):
    """A contender could not do the work; the message is the last line of what it said."""


@dataclass
class Row:
    """What was measured of one workload; each list has a figure for every round."""

    name: str
    family: str
    title: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)  # by contender
    others: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # what else there is to tell, the same way
    failures: dict[str, str] = field(default_factory=dict)
    disturbance: float = 0.0  # the part of the machine's processor time that other programs took meanwhile

    @property
    def disturbed(self) -> bool:
        return self.disturbance > MOST_BY_OTHERS

    def ratio(self, ours: str, theirs: str) -> Spread | None:
        """How many times as much as `ours` the contender `theirs` takes; None where one of them is missing."""
        if ours not in self.values or theirs not in self.values:
            return None
        return Spread.of([their / our if our else float("inf")
                          for our, their in zip(self.values[ours], self.values[theirs], strict=True)])


@dataclass
class Spread:
    """The median of some figures, and the range of their middle half: of all of them where they are fewer than four."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        low, high = min(figures), max(figures)
        if len(figures) >= 4:
            low, _, high = quantiles(figures, n=4, method="inclusive")
        return cls(median(figures), low, high, len(figures))

    @property
    def too_wide(self) -> bool:
        """Whether no verdict can stand on it."""
        return self.count < 3 or self.high - self.low > WIDEST_SPREAD * self.median


def measure(workload: Workload, contenders: Sequence[Contender], rounds: int, quick: bool) -> Row:
    """Let the contenders do the work in turn, `rounds` times. One that fails is left out from then on."""
    row = Row(workload.name, workload.family, workload.title, workload.unit)
    samples: dict[str, list[Figures]] = {}
    with ExitStack() as stack, watch_others(row):
        turns: dict[str, Callable[[], Figures]] = {}
        for contender in contenders:
            if workload.speaks(contender):
                with note_failure(row, contender):
                    turns[contender.name] = stack.enter_context(workload.open(contender, quick))
                    samples[contender.name] = []
        for _ in range(min(rounds, workload.most_rounds)):
            for contender in contenders:
                if contender.name in turns and contender.name not in row.failures:
                    gc.collect()
                    with note_failure(row, contender):
                        samples[contender.name].append(turns[contender.name]())
        stack.close()  # all processes are reaped now, and their processor time is known
    for name, figures in samples.items():
        if name not in row.failures:
            row.values[name] = [one["value"] for one in figures]
            row.others[name] = {key: [one[key] for one in figures] for key in figures[0] if key != "value"}
    return row


@contextmanager
def note_failure(row: Row, contender: Contender) -> Iterator[None]:
    try:
        yield
    except (Failed, OSError, subprocess.SubprocessError) as error:
        row.failures[contender.name] = f"{error}" if isinstance(error, Failed) else f"{type(error).__name__}: {error}"


@contextmanager
def watch_others(row: Row) -> Iterator[None]:
    """Find out which part of the machine's processor time went to other programs."""
    began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    yield
    capacity = (time.monotonic() - began) * (os.cpu_count() or 1)
    row.disturbance = max(0.0, (busy_seconds() - busy) - (own_seconds() - own)) / capacity


def busy_seconds() -> float:
    """The processor time that all programs of this machine, and its host, have taken so far; 0.0 where none tells."""
    try:
        user, nice, system, _, _, irq, softirq, steal = Path("/proc/stat").read_text().split()[1:9]
    except OSError:
        return 0.0
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """The processor time of this process and of all its children that have been reaped."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def resident_memory() -> int:
    """The bytes of memory that this process has now; the most it ever had, on systems that do not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Worker:
    """A process that works for one contender: it gets orders, and answers each with one line of JSON.

    `python -m benchmarks.worker` is what runs in it. Raises `Failed` when it ends instead of answering, or hangs.
    """

    def __init__(self, workload: str, contender: str, quick: bool) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", workload, contender, *(["--quick"] if quick else [])]
        self._complaints = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._complaints, text=True)

    def ask(self, order: str = "") -> Any:
        """Give the order and wait for the answer; without an order, wait for what the worker says by itself."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if order:
            try:
                print(order, file=self._process.stdin, flush=True)
            except BrokenPipeError:
                raise self._failure() from None
        if not select.select([self._process.stdout], [], [], LONGEST_ROUND)[0]:
            raise Failed(f"no answer in {LONGEST_ROUND:.0f} s")
        answer = self._process.stdout.readline()
        if not answer:
            raise self._failure()
        return json.loads(answer)

    def _failure(self) -> Failed:
        """Why the worker has ended."""
        status = self._process.wait()
        return Failed(self.last_words() or f"ended with status {status}")

    def last_words(self) -> str:
        """The last line that the worker has written to its standard error."""
        self._complaints.seek(0)
        lines = self._complaints.read().strip().splitlines()
        return lines[-1].strip() if lines else ""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._process.communicate(timeout=10)  # the end of its input is the order to end
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._complaints.close()
