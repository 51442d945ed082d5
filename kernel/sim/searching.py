"""The search: runs made one after the other, in this process or in several, until one fails or there are no more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from .exploring import Exploration, Report, check_main, frozen
from .runs import Engine, Main, Run, Settings, check_outside


def explore(engine: Engine, main: Main, runs: int, strategy: str, seed: int | None, bound: int | None,
            seconds: float | None, jobs: int, progress: Callable[[Report], object] | None,
            recording: str | Path | None, settings: Settings) -> Report:
    """Explore `main`, which `engine` runs, as `kernel.explore` says."""
    check_main(main, "explore")
    check_outside()
    if type(runs) is not int or runs < 1:
        raise ValueError(f"explore() takes a number of runs from 1 on, not {runs!r}")
    exploration = Exploration(strategy, seed, bound, settings)
    report = exploration.report

    def make(run: Run) -> None:
        run.make(engine, main)

    begin = time.monotonic()
    try:
        with frozen():
            search(exploration, make, runs, seconds, jobs, progress)
            if report.tape is not None:
                exploration.explain(make, recording)
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        report.seconds = time.monotonic() - begin
    return report


def search(exploration: Exploration, make: Callable[[Run], object], runs: int, seconds: float | None, jobs: int,
           progress: Callable[[Report], object] | None, enough: Callable[[], bool] = lambda: False) -> None:
    """Make runs, each by `make`, until one fails, or there are no more, or it is `enough`."""
    if type(jobs) is not int or jobs != 1:
        from .jobs import check_jobs, explore_in_processes  # here, since only explorations in processes need it
        check_jobs(jobs)
    report = exploration.report
    begin = time.monotonic()
    deadline = math.inf if seconds is None else begin + seconds

    def tell() -> None:
        if progress is not None:
            report.seconds = time.monotonic() - begin
            progress(report)

    while report.runs < runs and time.monotonic() < deadline:
        run = exploration.next_run()
        if run is None:
            return
        make(run)
        exploration.made(run)
        if run.failures or enough():
            return
        tell()
        if jobs > 1:
            return explore_in_processes(exploration, make, runs, deadline, jobs, tell)
