"""How a workload is measured: in rounds, in which the contenders take turns, each in a process of its own.

In every round the contenders do the same work, one after the other (A B C A B C ...). Whatever else the machine does
meanwhile slows all of them down alike. A contender's process lives through all rounds and sleeps while the others work.
So no contender finds an interpreter that has adapted itself to the classes of another. The figure is processor time,
user and system: waiting does not count. Each round has its own ratios. A ratio has a median and a spread like any other
figure.
"""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from .accounting import busy_seconds, own_seconds
from .contenders import Contender
from .orders import Failed
from .rows import Row
from .workload import Figures, Workload


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
    """Find out which part of the machine's processor time other programs took."""
    began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    yield
    capacity = (time.monotonic() - began) * (os.cpu_count() or 1)
    row.disturbance = max(0.0, (busy_seconds() - busy) - (own_seconds() - own)) / capacity
