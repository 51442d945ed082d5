"""Exploring in several processes: each makes runs of its own part of the work, and the parent counts them.

The parent has made the first run. Then it forks, so that every process has the program, and what the strategy has
learned. Each takes its part of the strategy: random numbers of its own, or one plan in N of those that are to be tried
one after the other. The parent hands out runs a few at a time, so all together make as many as were asked for. A
process answers with what it has seen. Of a run that has failed it sends the tape, and the parent makes that run again.

The processes are of a process group of their own. So Ctrl-C in a terminal reaches the parent alone, which ends them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from traceback import format_exc
from typing import Any, NamedTuple

from .cancelling import Injection
from .exploring import Exploration
from .failures import Failure
from .runs import Run
from .tapes import Misfit, Tape, load

MOST_RUNS = 64  # that are handed out at a time
SECONDS = 0.05  # of real time after which a process tells what it has seen, when the run that goes on has ended

Make = Callable[[Run], object]


class News(NamedTuple):
    """What a process has seen since it told so last."""

    runs: int
    places: set[int]
    sometimes: dict[str, bool]  # as the exploration has it
    injections: set[Injection]  # the same
    tape: str = ""  # of a run that has failed
    failures: list[tuple[str, str]] = []  # of that run: their kinds and messages
    finished: bool = False  # nothing is left of its part
    error: BaseException | None = None  # that ends the exploration, such as Ctrl-C


def check_jobs(jobs: object) -> None:
    """Raise `ValueError` for a number of processes that cannot be."""
    if type(jobs) is not int or jobs < 1:
        raise ValueError(f"an exploration takes a number of jobs from 1 on, not {jobs!r}")
    if jobs > 1 and "fork" not in multiprocessing.get_all_start_methods():
        raise ValueError("jobs above 1 need os.fork, which this system does not have; explore with jobs=1")


def explore_in_processes(exploration: Exploration, make: Make, runs: int, deadline: float, jobs: int,
                         tell: Callable[[], object]) -> None:
    """Make the runs that are left until `runs` were made, in `jobs` processes, each by `make`; until the first failure.

    `deadline` is on `time.monotonic`. `tell` is called after each piece of news.
    """
    context: Any = multiprocessing.get_context("fork")  # of a type that Windows does not have
    workers: dict[Connection, Any] = {}
    try:
        with uninterrupted() as handler:
            for part in range(jobs):
                ours, theirs = context.Pipe()
                others = [*workers, ours]
                process = context.Process(target=_work, args=(exploration, make, theirs, others, part, jobs, handler),
                                          daemon=True)
                process.start()
                theirs.close()
                workers[ours] = process
        _lead(exploration, make, workers, runs, deadline, tell)
    finally:
        with uninterrupted():
            for connection, process in workers.items():
                process.kill()
                process.join()
                connection.close()


@contextmanager
def uninterrupted() -> Iterator[Any]:
    """Let a Ctrl-C that comes inside do at the end what it does: else a process that is being made would be forgotten.

    Gives the handler that the signal has outside of this.
    """
    if threading.current_thread() is not threading.main_thread():
        yield None  # Ctrl-C does not come here
        return
    came: list[object] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: came.append(frame))
    try:
        yield handler
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        signal.raise_signal(signal.SIGINT)


def _lead(exploration: Exploration, make: Make, workers: dict[Connection, Any], runs: int, deadline: float,
          tell: Callable[[], object]) -> None:
    """Hand out runs, and collect the news."""
    left = runs - exploration.report.runs
    idle, at_work, finished = list(workers), dict[Connection, int](), 0
    while time.monotonic() < deadline:
        while idle and left > 0:
            connection = idle.pop(0)
            at_work[connection] = share = min(MOST_RUNS, -(-left // (2 * len(workers))))
            left -= share
            try:
                connection.send(share)
            except OSError:
                return _died(exploration, workers, connection)
        if not at_work:
            break
        ready = wait(list(at_work), max(0.0, min(deadline - time.monotonic(), 3600.0)))
        for connection in [one for one in at_work if one in ready]:
            try:
                news: News = connection.recv()
            except (EOFError, OSError):
                return _died(exploration, workers, connection)
            left += at_work.pop(connection) - news.runs
            exploration.add(news.runs, news.places, news.sometimes, news.injections)
            if news.error is not None:
                raise news.error
            if news.tape:
                return _repeat(exploration, make, load(news.tape), news.failures)
            if news.finished:
                finished += 1
            else:
                idle.append(connection)
        tell()
    if finished == len(workers):
        exploration.complete()


def _repeat(exploration: Exploration, make: Make, tape: Tape, told: list[tuple[str, str]]) -> None:
    """Make the run again that has failed in another process."""
    run = exploration.run_of(tape)
    try:
        make(run)
    except Misfit:
        run.failures = []
    report = exploration.report
    if run.failures:
        report.failures, report.tape = run.failures, tape
    else:
        report.failures = [Failure(kind, message) for kind, message in told]
        report.story = ("The run was made again in this process, and has not failed: the program depends on something "
                        "that is not simulated, or on what runs before it have left. check_determinism() shows where.")


def _died(exploration: Exploration, workers: dict[Connection, Any], connection: Connection) -> None:
    """Report that a process has ended in the middle of its work."""
    process = workers[connection]
    process.join()
    code = process.exitcode
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"has ended with exit status {code}"
    what = f"process {list(workers).index(connection) + 1} of {len(workers)} {how} in the middle of a run"
    exploration.report.failures = [Failure("died", f"{what}; with jobs=1 the program ends the whole exploration there")]


def _work(exploration: Exploration, make: Make, connection: Connection, others: Sequence[Connection], part: int,
          jobs: int, handler: Any) -> None:
    """In a process: make runs of one part of the work for as long as the parent hands them out."""
    os.setpgid(0, 0)
    if handler is not None:
        signal.signal(signal.SIGINT, handler)
    for other in others:
        other.close()  # so that the connection ends when the parent does
    exploration.take_part(part, jobs)
    try:
        while True:
            connection.send(_some_runs(exploration, make, connection.recv()))
    except (EOFError, OSError):
        pass  # the parent has ended


def _some_runs(exploration: Exploration, make: Make, most: int) -> News:
    """Make up to `most` runs, for a while; less if one fails."""
    runs, places = 0, set[int]()
    until = time.monotonic() + SECONDS
    while runs < most and (not runs or time.monotonic() < until):
        run = exploration.next_run()
        if run is None:
            return News(runs, places, exploration.sometimes, exploration.injections, finished=True)
        try:
            make(run)
        except BaseException as error:
            error.add_note(f"raised in a process of the exploration:\n{format_exc()}")
            return News(runs, places, exploration.sometimes, exploration.injections, error=error)
        exploration.made(run)
        runs, places = runs + 1, places | run.places
        if run.failures:
            failures = [(one.kind, one.message) for one in run.failures]
            return News(runs, places, exploration.sometimes, exploration.injections, run.tape().text(), failures)
    return News(runs, places, exploration.sometimes, exploration.injections)
