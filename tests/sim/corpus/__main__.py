"""The command line: explore one bug, or make the table of all of them."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import compat
from tests.support.quiet_loops import Long, run_quietly
from tests.support.releases import NotInstalled
from tests.support.standard_library import NotHere

from .bugs import BUGS, Bug, Main
from .processes import LEFT_OUT, explored, runs_until_found

SEEDS = 20  # of the table


def explore(bug: Bug, options: argparse.Namespace) -> int:
    """Explore one version in this process, by several seeds, and print what was found."""
    try:
        main = bug.program(options.mended)
    except NotHere as reason:
        print(reason)
        return LEFT_OUT
    if options.on_asyncio:
        return on_asyncio(main)
    if options.replay is not None:
        compat.simulate(main, tape=options.replay)
        return 0
    failed = False
    for seed in range(options.seeds):
        if options.bound is None:
            report = compat.explore(main, runs=options.runs, seed=seed)
        else:
            report = compat.explore(main, runs=options.runs, strategy="exhaustive", bound=options.bound)
        if report.failures:
            what = str(report.failures[0]).partition("\n")[0]
            print(f"seed {seed}: found in run {report.runs}: {what}", flush=True)
        else:
            print(f"seed {seed}: nothing in {report.runs} runs {report.complete}".rstrip(), flush=True)
        failed = failed or bool(report.failures)
        if options.tell:
            print(report)
        if options.tape is not None and report.tape is not None:
            report.tape.save(options.tape)
    return 1 if failed else 0


def on_asyncio(main: Main) -> int:
    """Run it on asyncio's own loop: quietly, then with each step in turn taking long. Print what fails."""
    steps, sleeps = run_quietly(main())
    schedules = [Long(sleep, number, deadlines) for sleep, most in ((False, steps), (True, sleeps))
                 for number in range(1, most + 1) for deadlines in (1, 2)]
    failed = 0
    for schedule in schedules:
        try:
            run_quietly(main(), schedule)
        except (AssertionError, RuntimeError) as error:
            failed += 1
            print(f"{schedule}: {error}")
    print(f"asyncio: {failed} of {len(schedules)} schedules with one long step fail")
    return 1 if failed else 0


def row(bug: Bug, runs: int, cache: Path) -> str:
    """A line of the table."""
    try:
        found = runs_until_found(explored(bug, False, cache, "--seeds", f"{SEEDS}", "--runs", "200"))
        faulty = (f"{len(found)} of {SEEDS} | {min(found)} | {statistics.median(found):g} | {max(found)}" if found
                  else f"0 of {SEEDS} | | |")
    except (NotHere, NotInstalled) as reason:
        faulty = f"{reason} | | |"
    try:
        failures = runs_until_found(explored(bug, True, cache, "--runs", f"{runs}"))
        mended = f"run {failures[0]} fails" if failures else f"no failure in {runs:,} runs"
    except (NotHere, NotInstalled) as reason:
        mended = str(reason)
    return f"| {bug.published} | {faulty} | {mended} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.corpus", description=__doc__)
    parser.add_argument("bug", nargs="?", choices=BUGS, help="which; by default all, as a table")
    parser.add_argument("--mended", action="store_true", help="the version without the bug")
    parser.add_argument("--on-asyncio", action="store_true", help="run it on asyncio's own loop instead")
    parser.add_argument("--runs", type=int, help="at most so many with each seed; 200, and 2,000 of mended versions")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0 on")
    parser.add_argument("--bound", type=int, help="try every schedule with up to so many deviations")
    parser.add_argument("--tell", action="store_true", help="print the whole report")
    parser.add_argument("--tape", type=Path, help="write the tape of what was found to this file")
    parser.add_argument("--replay", type=Path, help="make the one run of this tape")
    options = parser.parse_args()
    options.runs = options.runs or (2000 if options.mended or options.bug is None else 200)
    if options.bug is not None:
        return explore(BUGS[options.bug], options)
    print("| bug | found with | runs: least | median | most | mended version |\n|---|---|--:|--:|--:|---|")
    with tempfile.TemporaryDirectory() as cache:
        for bug in BUGS.values():
            print(row(bug, options.runs, Path(cache)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
