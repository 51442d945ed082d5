"""One process that runs each test of a module in simulation, many times, each time under another schedule.

    python -m tests.conformance.schedules SCHEDULES test_tasks JOURNAL

The first run of a test is the quiet one, in which no step takes long; SCHEDULES others follow, by the seeds from 0 on.
The journal says of each test:

- "passed": under every schedule, on loops of a simulated run
- "no loop": it passed, and its loop, if it has one, is one that it brings along, so no schedule was tried
- "refused": it did what a run cannot simulate, such as opening a socket
- "failed quietly": in the quiet run
- "failed": under one of the other schedules, of which the details have the tape
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import unittest
from pathlib import Path
from random import Random
from typing import Any

from compat.simulation import simulated
from kernel.sim import functions
from kernel.sim.choices import Quiet
from kernel.sim.exploring import frozen
from kernel.sim.runs import Run
from kernel.sim.strategies import AtRandom

from .substitute import substitute
from .threads import simulated_threads
from .worker import PACKAGE, TEST_SECONDS, Journal, name_of, read, tests_in, write

PATIENCE = 1.0  # seconds of real time after which a function in a thread that waits for the loop is refused


def run_of(seed: int | None) -> Run:
    """The quiet run, or the run of a seed."""
    if seed is None:
        return Run(Quiet())
    strategy = AtRandom(Random(seed))
    return Run(strategy.plan(), reach=strategy.reach)


class Test:
    """A test of CPython's."""

    def __init__(self, test: Any) -> None:
        self._kind, self._method = type(test), test._testMethodName
        self._steps = 0

    def outcome(self, schedules: int) -> tuple[str, str]:
        """Run the test under the schedules; what came of it, and the details."""
        for seed in (None, *range(schedules)):
            gc.collect()  # what an earlier test has left is not to be thrown away in this one
            run = run_of(seed)
            result = unittest.TestResult()
            faulthandler.dump_traceback_later(TEST_SECONDS, exit=True)
            with simulated(run), simulated_threads(run):
                self._kind(self._method).run(result)
            faulthandler.cancel_dump_traceback_later()
            self._steps += run.steps
            if run.refused:
                return "refused", str(run.refused[0])
            if result.skipped:
                return "skipped", result.skipped[0][1]
            if not result.wasSuccessful():
                details = [text for _, text in result.errors + result.failures] or ["it was expected to fail"]
                if seed is None:
                    return "failed quietly", details[0]
                return "failed", f"under the schedule of seed {seed}: {run.tape().text()}\n{details[0]}"
        return "passed" if self._steps else "no loop", ""


def main() -> None:
    schedules, module, path = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as it is in a terminal, also under `nohup make &`
    functions.PATIENCE = PATIENCE
    substitute()
    tests = list(tests_in(unittest.defaultTestLoader.loadTestsFromName(PACKAGE + module)))
    known = read(path)
    journal = Journal(path)
    left = [test for test in tests if known.get(name_of(test), ("planned", ""))[0] == "planned"]
    for test in left:
        journal.write(name_of(test), "planned")
    with frozen():
        for test in left:
            journal.write(name_of(test), "started")
            journal.write(name_of(test), *Test(test).outcome(schedules))
    write(path, "", "finished")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that a refused test has left behind are not waited for


if __name__ == "__main__":
    main()
