"""Run the tests, compare, and print what came out."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from .exclusions import LIMIT, VERSION, Exclusions
from .worker import read, write

from tests.support.paths import ROOT

LEFT_OUT = {"test_proactor_events", "test_windows_events", "test_windows_utils"}
PROCESSES = 2
RESTARTS = 10  # of a module's process, when tests hang or crash again and again
MODULE_SECONDS = 900.0
NOT_RUN = ("planned", "it was not run")

Outcomes = dict[str, tuple[str, str]]  # "passed", "failed", "skipped" or "planned" (and never run), and the details


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--modules", help="only these, separated by commas, such as test_tasks,test_futures")
    parser.add_argument("--verbose", action="store_true", help="show the traceback of each failure")
    options = parser.parse_args()
    found = available()
    modules = options.modules.split(",") if options.modules else found
    if unknown := set(modules) - set(found):
        parser.error(f"no such modules: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    print(f"CPython {sys.version.split()[0]}: {len(modules)} modules; those for Windows alone are left out "
          f"({', '.join(sorted(LEFT_OUT))})", flush=True)
    with ThreadPoolExecutor(PROCESSES) as pool:
        stock = [pool.submit(run_module, "stock", module) for module in modules]
        ours = [pool.submit(run_module, "ours", module) for module in modules]
        report = Report(options.verbose)
        for module, on_stock, on_ours in zip(modules, stock, ours):
            report.add(module, on_stock.result(), on_ours.result())
    sys.exit(report.end(complete=not options.modules))


def available() -> list[str]:
    """The test modules of this interpreter that concern a Unix loop; exits where it has none."""
    try:
        found = importlib.util.find_spec("test.test_asyncio")
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        sys.exit(f"{sys.executable} lacks CPython's own tests, test.test_asyncio. Debian and Ubuntu have them in the "
                 f"package libpython{VERSION}-testsuite; a Python built from source brings them along.")
    names = {path.stem for place in found.submodule_search_locations for path in Path(place).glob("test_*.py")}
    return sorted(names - LEFT_OUT)


def run_module(mode: str, module: str, worker: str = "worker") -> Outcomes:
    """What became of every test of a module. A process that hangs or dies is replaced by one that does the rest.

    `worker` is the module of this package that the process runs, and `mode` what it is told.
    """
    with tempfile.TemporaryDirectory() as directory:
        journal, output, work = Path(directory, "journal"), Path(directory, "output"), Path(directory, "work")
        work.mkdir()
        command = [sys.executable, "-m", f"tests.conformance.{worker}", mode, module, str(journal)]
        for _ in range(RESTARTS):
            with output.open("w") as file:
                process = subprocess.Popen(command, cwd=work, env=os.environ | {"PYTHONPATH": str(ROOT)},
                                           stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
                try:
                    end = f"the process ended with status {process.wait(MODULE_SECONDS)}"
                except subprocess.TimeoutExpired:
                    end = f"the module took over {MODULE_SECONDS:g} s"
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # it, or what it has left behind
                process.wait()
            outcomes = read(journal)
            if outcomes.pop("", None):
                return outcomes
            details = f"{end}, saying:\n{output.read_text(errors='replace')[-8000:]}"
            if all(outcome == "planned" for outcome, _ in outcomes.values()):
                return outcomes | {f"{module} (loading it)": ("failed", details)}
            for test in [test for test, (outcome, _) in outcomes.items() if outcome == "started"]:
                write(journal, test, "failed", details)
        return read(journal)


class Report:
    """The table of the modules, and below it what is wrong."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        self._exclusions = Exclusions()
        self._totals = [0, 0, 0, 0]
        self._failures: list[tuple[str, str]] = []
        self._stale: list[str] = []
        self._line("module", "stock passed", "ours passed", "excluded", "failed")

    def _line(self, name: str, *cells: object) -> None:
        print(f"{name:26}" + "".join(f"{cell!s:>14}" for cell in cells), flush=True)

    def add(self, module: str, stock: Outcomes, ours: Outcomes) -> None:
        """One line: of the tests that pass on asyncio, how many pass on ours, are excluded, or fail."""
        wanted = [test for test, (outcome, _) in stock.items() if outcome == "passed"]
        passed = {test for test in wanted if ours.get(test, ("", ""))[0] == "passed"}
        excluded = {test for test in wanted if self._exclusions.reason(test) is not None}
        failed = [test for test in wanted if test not in passed | excluded]
        if any(ours.get(test, NOT_RUN)[0] != "planned" for test in wanted):
            self._failures += [(test, ours.get(test, NOT_RUN)[1]) for test in failed]
        else:  # for one reason
            self._failures += [(test, details) for test, (outcome, details) in ours.items() if outcome == "failed"]
        self._stale += sorted(passed & excluded)
        counts = [len(wanted), len(passed), len(excluded - passed), len(failed)]
        self._totals = [total + count for total, count in zip(self._totals, counts)]
        self._line(module, *counts)

    def end(self, complete: bool) -> int:
        """Print the rest and return the exit status."""
        self._line("total", *self._totals)
        tests, _, excluded, failed = self._totals
        self._list("pass on asyncio and fail on ours", [test + self._more(details) for test, details in self._failures])
        self._list("are excluded but pass: take them out of exclusions.toml", self._stale)
        too_many = complete and excluded > LIMIT * tests
        if too_many:
            print(f"\n{excluded} exclusions are more than {LIMIT:.0%} of {tests} tests")
        if not tests:
            print("\nno test passed on asyncio itself: something is wrong here")
        return 1 if failed or self._stale or too_many or not tests else 0

    def _more(self, details: str) -> str:
        return "\n" + "".join(f"      {line}\n" for line in details.splitlines()) if self._verbose else ""

    @staticmethod
    def _list(what: str, items: Sequence[str]) -> None:
        if items:
            print(f"\n{len(items)} tests {what}:", *items, sep="\n  ")


if __name__ == "__main__":
    main()
