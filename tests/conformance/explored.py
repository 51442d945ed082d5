"""CPython's own tests of locks, queues, tasks, groups, timeouts, streams, sockets, servers and TLS, each under 20 legal
schedules, on the simulated network.

    python -m tests.conformance.explored [--schedules 20] [--modules test_locks,test_queues] [--verbose]

A schedule is legal if a real machine may give it, so a test that counts on nothing else passes under each of them. The
others are in `explored.toml`, with the reason: a test that counts on real time, or one that needs a real descriptor or
process, which a simulated run refuses.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .__main__ import PROCESSES, Outcomes, available, run_module
from .exclusions import Exclusions

MODULES = ["test_events", "test_tasks", "test_sock_lowlevel", "test_streams", "test_sslproto", "test_locks",
           "test_queues", "test_taskgroups", "test_timeouts", "test_waitfor", "test_futures", "test_selector_events",
           "test_server"]  # the longest first; the names that this Python has
SCHEDULES = 20
FILE = Path(__file__).with_name("explored.toml")
BAD_DESCRIPTOR = "[Errno 9] Bad file descriptor"  # what the system says to one that it does not know
COLUMNS = "passed", "no loop", "refused", "real time", "failed"


class Verdict:
    """The table of the modules, and what is wrong."""

    def __init__(self, schedules: int, verbose: bool) -> None:
        self._complete = schedules >= SCHEDULES  # with fewer, a test that counts on real time may pass
        self._verbose = verbose
        self._refused = Exclusions(FILE, "refused")
        self._timed = Exclusions(FILE, "fails")
        self._rare = Exclusions(FILE, "rarely")
        self._everywhere = Exclusions()  # what fails without a simulation as well
        self._totals: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._line("module", dict(zip(COLUMNS, COLUMNS)))

    def _line(self, name: str, cells: dict[str, str]) -> None:
        print(f"{name:18}" + "".join(f"{cells[column]:>12}" for column in COLUMNS), flush=True)

    def add(self, module: str, outcomes: Outcomes) -> None:
        """One line: what became of the tests of a module."""
        counts: Counter[str] = Counter()
        for test, (outcome, details) in outcomes.items():
            if outcome != "skipped" and self._everywhere.reason(test) is None:
                counts[self._column(test, outcome, details)] += 1
        self._totals += counts
        self._line(module, {column: str(counts[column]) for column in COLUMNS})

    def _column(self, test: str, outcome: str, details: str) -> str:
        """Where a test is counted; what is wrong with it is noted."""
        refused, timed = self._refused.reason(test) is not None, self._timed.reason(test) is not None
        if refused and (outcome == "refused" or outcome == "failed quietly" and BAD_DESCRIPTOR in details):
            return "refused"
        if outcome == "failed" and (timed or self._rare.reason(test) is not None):
            return "real time"
        if outcome in ("passed", "no loop") and not (refused or timed and self._complete):
            return outcome
        listed = "refused" if refused else "as one that fails" if timed else ""
        self.wrong.append(f"{test}: {outcome}" + (f", although explored.toml lists it {listed}" if listed else "")
                          + "".join(f"\n      {line}" for line in details.splitlines()[:None if self._verbose else 2]))
        return "failed"

    def end(self) -> int:
        """Print the rest and return the exit status."""
        self._line("total", {column: str(self._totals[column]) for column in COLUMNS})
        if self.wrong:
            print(f"\n{len(self.wrong)} tests are not as they should be:", *self.wrong, sep="\n  ")
        if not self._totals["passed"]:
            print("\nno test passed: something is wrong here")
        return 1 if self.wrong or not self._totals["passed"] else 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.explored", description=__doc__)
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help="how many, besides the quiet one")
    parser.add_argument("--modules", help="only these, separated by commas, such as test_locks,test_queues")
    parser.add_argument("--verbose", action="store_true", help="show the whole traceback of each failure")
    options = parser.parse_args()
    found = [module for module in MODULES if module in available()]
    modules = options.modules.split(",") if options.modules else found
    if unknown := set(modules) - set(found):
        parser.error(f"no such modules: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    print(f"CPython {sys.version.split()[0]}: each test in the quiet schedule and in {options.schedules} others",
          flush=True)
    with ThreadPoolExecutor(PROCESSES) as pool:
        results = [pool.submit(run_module, str(options.schedules), module, "schedules") for module in modules]
        verdict = Verdict(options.schedules, options.verbose)
        for module, result in zip(modules, results):
            verdict.add(module, result.result())
    sys.exit(verdict.end())


if __name__ == "__main__":
    main()
