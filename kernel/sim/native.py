"""`simulate` and `explore` for native programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, Unpack

from ..core import Kernel
from ..syscalls import Code
from . import exploring, searching
from .runs import Engine, Run, Settings
from .tapes import Tape

T = TypeVar("T")


def on_kernel(run: Run, main: Callable[[], Code[Any]]) -> Any:
    """Run a native program."""
    with Kernel(**run.devices(), exception_hook=run.unretrieved) as kernel:
        return kernel.run(main())


NATIVE = Engine(Run.surroundings, on_kernel)


def simulate(main: Callable[[], Code[T]], *, seed: int | None = None, tape: Tape | str | Path | None = None,
             **settings: Unpack[Settings]) -> T:
    """Run `main()` once in simulation, and return its value.

    Without a seed and a tape this is the quiet schedule: virtual time passes while nothing can run, and no step takes
    long. A `seed` chooses at random how long steps take; the same seed gives the same run. A `tape` repeats the run of
    which it is the tape: a `Tape`, the text of one, or the path of its file.

    Time, random numbers, functions in threads, and the network are the simulation's: sockets reach this machine and the
    hosts that the program, or the function `world`, makes by `kernel.sim.world`. Sub-processes, threads of the program's
    own and descriptors of the system are refused, with an `Unsimulated` error that names the call.

    The program's own exception is raised as it is. When something else went wrong (a task left over, an exception that
    nobody retrieved, a task that waits for what is free), this raises `Failed`, which lists it. `Misfit` when the tape
    does not fit the program; `TypeError` for what is not a function without arguments; `RuntimeError` inside of a
    program that runs. See `Settings` for the other arguments.
    """
    return exploring.simulate(NATIVE, main, seed, tape, settings)  # type: ignore[no-any-return]  # the value of main


def check_determinism(main: Callable[[], Code[Any]], *, seed: int | None = None, tape: Tape | str | Path | None = None,
                      **settings: Unpack[Settings]) -> None:
    """Make the run that `simulate` would make twice, and compare their steps.

    Raises `Nondeterministic` with the first step that differs. What the program itself raises does not count.
    """
    exploring.check_determinism(NATIVE, main, seed, tape, settings)


def explore(main: Callable[[], Code[Any]], *, runs: int = 1000, strategy: str = "portfolio", seed: int | None = None,
            bound: int | None = None, seconds: float | None = None, jobs: int = 1,
            recording: str | Path | None = None, progress: Callable[[exploring.Report], object] | None = None,
            **settings: Unpack[Settings]) -> exploring.Report:
    """Run `main()` in simulation many times, each time under another schedule that a real machine might give it.

    It ends with the first run that fails, after `runs` runs, after `seconds` of real time, or when the strategy has
    tried everything. A run that fails is repeated with less and less that is unusual, until nothing can be left out.
    The report has the failures, the tape that repeats them, and their story. It is true if there are none:

        report = kernel.explore(main)
        assert report, report

    `strategy` says what is tried: "portfolio" (something of each of the others, but for the exhaustive one, and for
    cancellations that the exploration asks for), "random", "few" (one to three deviations from the quiet schedule),
    "cancel" (each time limit runs out at each step, and each task that the program cancels is cancelled at each of its
    suspensions, also where the program itself may not be able to), "guided" (more of what has led to new states), or
    "exhaustive": every schedule with up to `bound` deviations, 2 by default, after which the report says that it is
    complete. The same `seed` explores the same; without one it is a new one, which the report names. The run that the
    story tells of is recorded in the file `recording`, for `trampoline show`, `timeline` and `movie`. `progress` is
    called after each run with the report so far. Ctrl-C ends an exploration, and the report tells what was found until
    then.

    `jobs` above 1 has so many processes make the runs, each with a part of the work; they are forked when the first run
    was made. `progress` is then called after several runs. Of several failures the one that is found first counts, and
    that may be another one each time. Raises `ValueError` where processes cannot be forked.

    `faults` are what may strike in the network: "partition", "reset" and "crash". How many do, and when, are choices.

    See `simulate` for what a run is, and for the errors. See `Settings` for the other arguments.
    """
    return searching.explore(NATIVE, main, runs, strategy, seed, bound, seconds, jobs, progress, recording, settings)
