"""Exploring a program: many runs of it, each under another schedule, until one fails; that one is made small and told.

`Exploration` gives the runs to make one by one. `searching.py` has the loop that makes them.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

from ..recordings.sessions import record
from .cancelling import Injection
from .choices import Chosen, Plan, Quiet
from .determinism import compare
from .failures import Failure
from .runs import Engine, Main, Run, Settings
from .shrinking import shrink
from .stories import Story, tell
from .strategies import AtRandom, Strategy, counted, strategy_named
from .tapes import Tape, load


class Report:
    """What an exploration has found. It is true if no run has failed; `str` tells it."""

    def __init__(self, seed: int, strategy: str) -> None:
        self.seed = seed
        self.strategy = strategy
        self.runs = 0  # how many were made, without those of shrinking
        self.states = 0  # how many different states they have come to: where all tasks were suspended, all together
        self.seconds = 0.0  # of real time
        self.failures: list[Failure] = []  # of the run that has failed
        self.tape: Tape | None = None  # of that run, shrunk
        self.story = ""
        self.recording: str | Path | None = None  # of the run that was told
        self.shrinking = 0  # how many runs were made to shrink it
        self.never: list[str] = []  # what was to be reached sometimes, and was in no run
        self.complete = ""  # what a strategy says that has tried all it had to try
        self.interrupted = False

    def __bool__(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        lines = []
        if self.failures:
            runs = f"run {self.runs:,}" if self.runs > 1 else "the first run" if self.runs else "the run of a tape"
            lines += [f"found in {runs} ({self.strategy}, seed {self.seed}):", *(f"  {one}" for one in self.failures),
                      self.story]
            if self.recording is not None:
                lines.append(f"watch it: trampoline movie {self.recording}")
        else:
            lines.append(f"no failure in {self.runs:,} runs ({self.strategy}, seed {self.seed}), which came to "
                         f"{counted(self.states, 'state')}, in {self.seconds:.1f} s")
        if self.complete:
            lines.append(self.complete)
        lines += [f"never reached: {what}" for what in self.never]
        if self.interrupted:
            lines.append("interrupted by Ctrl-C: there was more to try")
        return "\n".join(lines)


class Exploration:
    """The state of an exploration: which plan is next, and what was found so far."""

    def __init__(self, strategy: str, seed: int | None, bound: int | None, settings: Settings) -> None:
        seed = int.from_bytes(os.urandom(4), "big") if seed is None else seed
        self.report = Report(seed, strategy)
        self._strategy: Strategy = strategy_named(strategy, Random(seed), bound)
        self._settings = settings
        self._places: set[int] = set()
        self.injections: set[Injection] = set()
        self.sometimes: dict[str, bool] = {}  # what was to be reached, and whether it was in any run

    def next_run(self) -> Run | None:
        """The run to make next; None when the strategy has tried everything."""
        plan = self._strategy.plan()
        if plan is None:
            self.complete()
            return None
        acting = self._strategy.acting
        return Run(plan, reach=acting.reach, cancels=acting.cancels, **self._settings)

    def run_of(self, tape: Tape, story: Story | None = None) -> Run:
        """The run of a tape, which may have been made with other settings."""
        return Run.of_tape(tape, self._settings, story=story)

    def made(self, run: Run) -> None:
        """`run`, which `next_run` gave, was made."""
        new = not run.places <= self._places
        self.add(1, run.places, run.claims.sometimes, run.cancels.injections)
        self._strategy.acting.learn(run, new)
        self._strategy.see(run)
        if run.failures:
            self.report.failures = run.failures
            self.report.tape = run.tape()

    def add(self, runs: int, places: set[int], sometimes: dict[str, bool], injections: set[Injection]) -> None:
        """So many runs were made, which have come to these places, and to what is to be reached sometimes.

        `injections` are the cancellations that were asked for in them.
        """
        report = self.report
        report.runs += runs
        self._places |= places
        self.injections |= injections
        report.states = len(self._places)
        for what, reached in sometimes.items():
            self.sometimes[what] = self.sometimes.get(what, False) or reached
        report.never = sorted(what for what, reached in self.sometimes.items() if not reached)

    def complete(self) -> None:
        """The strategy has tried everything, in this process or in others."""
        self.report.complete = self._strategy.end(self.report.runs, self.injections)

    def take_part(self, part: int, parts: int) -> None:
        """Explore only a part of what is left to explore; other processes do the others."""
        self._strategy.take_part(part, parts)

    def explain(self, make: Callable[[Run], object], recording: str | Path | None) -> None:
        """Shrink the tape of the run that has failed, and tell its story. `make` makes a run.

        The run that is told is recorded in the file `recording`, if one is named.
        """
        report = self.report
        tape = report.tape
        assert tape is not None
        keys = {failure.key for failure in report.failures}

        def fails(plan: Plan) -> Run | None:
            """The run of `plan`, if that fails as well, in the same way."""
            report.shrinking += 1
            run = Run.of_tape(tape, self._settings, plan=plan)
            make(run)
            return run if any(failure.key in keys for failure in run.failures) else None

        report.tape = shrink(tape, fails)
        story = Story()
        run = self.run_of(report.tape, story)
        with nullcontext() if recording is None else record(recording):
            make(run)
        report.recording = recording
        report.story = tell(story, run.choices.deviations)
        if run.failures:
            report.failures = run.failures
        else:
            report.story += ("\nThe run that was made to tell this has not failed: the program depends on something "
                             "that is not simulated. check_determinism() shows where.")


@contextmanager
def frozen() -> Iterator[None]:
    """While inside, the garbage collector does not look at what was there before: each run ends with a collection."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def simulate(engine: Engine, main: Main, seed: int | None, tape: Tape | str | Path | None, settings: Settings) -> Any:
    """Make one run of `main`, which `engine` runs, as `kernel.simulate` says."""
    check_main(main, "simulate")
    run = one_run(seed, tape, settings)
    run.make(engine, main)
    run.raise_failures()
    return run.value


def check_determinism(engine: Engine, main: Main, seed: int | None, tape: Tape | str | Path | None,
                      settings: Settings) -> None:
    """Make one run of `main` twice, and compare them, as `kernel.sim.check_determinism` says."""
    check_main(main, "check_determinism")
    first = one_run(seed, tape, settings, logged=True)
    first.make(engine, main)
    made = first.tape()
    # Not a replay: that would refuse the tape where the second run differs, and not show how.
    second = Run.of_tape(made, settings, plan=Chosen(made.values()), logged=True)
    second.make(engine, main)
    compare(first.log, second.log)


def one_run(seed: int | None, tape: Tape | str | Path | None, settings: Settings, logged: bool = False) -> Run:
    """A run by a seed, or by a tape, or else the quiet one."""
    if tape is not None and seed is not None:
        raise ValueError("a run is made by a seed or by a tape, and not both: a tape is all the choices")
    if tape is not None:
        return Run.of_tape(load(tape), settings, logged=logged)
    if seed is not None:
        strategy = AtRandom(Random(seed))
        return Run(strategy.plan(), reach=strategy.reach, logged=logged, **settings)
    return Run(Quiet(), logged=logged, **settings)


def check_main(main: object, function: str) -> None:
    """Raise the `TypeError` that says what is to be simulated, if `main` is not that."""
    if hasattr(main, "send") or not callable(main):
        if hasattr(main, "close"):
            main.close()  # a coroutine, which will not be run
        raise TypeError(f"{function}() takes a function that makes the program anew for each run, such as "
                        f"'async def main(): ...' itself, not {main!r}")
