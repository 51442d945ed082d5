"""`python -m benchmarks`: list the workloads, or measure some of them."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import time
from pathlib import Path

from . import catalogue, report
from .contenders import BY_NAME, EVERYONE, OURS, Contender
from .measuring import measure
from .report import RESULTS
from .rows import MOST_BY_OTHERS, Row
from .workload import Workload


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure workloads, the contenders taking turns; without any, list them.",
        epilog="A figure is a median, followed by the range of the middle half of the rounds; less is better. A ratio "
               "is the other's figure divided by ours, round by round: above 1 we are ahead.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD",
                        help="its name, a family, or a pattern such as 'echo-*'; 'all' is everything")
    parser.add_argument("--against", metavar="NAME,...",
                        help="the peers to measure beside kernel and compat; by default all that are installed of "
                        f"{', '.join(one.name for one in EVERYONE if one.name not in OURS)}")
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is measured (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="do next to nothing; the figures mean nothing")
    parser.add_argument("--write", nargs="?", type=Path, const=RESULTS, metavar="DIRECTORY",
                        help="write the results there as JSON and Markdown, and draw them by matplotlib "
                        "(default: benchmarks/results)")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("there has to be a round")
    try:
        options.chosen = catalogue.select(["*"] if options.workloads == ["all"] else options.workloads)
        options.contenders = choose(options.against)
    except KeyError as error:
        parser.error(f"there is no {error.args[0]!r}; 'python -m benchmarks' lists the workloads, --help the peers")
    except LookupError as error:
        parser.error(str(error))
    return options


def choose(against: str | None) -> list[Contender]:
    """This project's contenders and the peers asked for; `LookupError` for one that is not installed."""
    if against is None:
        return [contender for contender in EVERYONE if contender.installed]
    names = [*OURS, *(name.strip() for name in against.split(",") if name.strip() not in OURS)]
    chosen = [BY_NAME[name] for name in names]
    for contender in chosen:
        if not contender.installed:
            raise LookupError(f"{contender.name} is not installed in {sys.executable}")
    return chosen


def list_workloads(workloads: list[Workload]) -> None:
    family = ""
    for workload in workloads:
        if workload.family != family:
            family = workload.family
            print(f"\n{family}")
        print(f"  {workload.name:<24} {workload.title}")


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if not options.workloads:
        list_workloads(options.chosen)
        return 0
    machine = report.Machine(f"{platform.python_implementation()} {platform.python_version()}",
                             f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
                             options.rounds, time.strftime("%Y-%m-%d"), options.quick)
    print(machine.line, flush=True)
    stem = (options.write or RESULTS) / f"{sys.version_info.major}.{sys.version_info.minor}"
    rows: list[Row] = []
    written: list[Path] = []
    for workload in options.chosen:
        missing = [module for module in workload.needs if importlib.util.find_spec(module) is None]
        if missing:
            print(f"\n{workload.name}: left out, as {' and '.join(missing)} cannot be imported", flush=True)
            continue
        row = measure(workload, options.contenders, options.rounds, options.quick)
        rows.append(row)
        print("\n".join(["", *report.block(row)]), flush=True)
        if options.write is not None:  # after every row, so that a run that somebody stops leaves its results
            written = report.write(stem, machine, rows)
    if not options.quick:
        warn(rows)
    if written and importlib.util.find_spec("matplotlib") is not None:
        written += report.draw(stem, machine, rows)
    elif written:
        print("\nno charts are drawn: matplotlib is not installed. Where it is, "
              f"'python -m benchmarks.charts {written[0]}' draws them.")
    for path in written:
        print(f"written: {path}")
    # When a peer cannot do a workload, that is a result, and not a failure of the suite.
    return 1 if any(name in row.failures for row in rows for name in (*OURS, "asyncio")) else 0


def warn(rows: list[Row]) -> None:
    """Say which rows are too noisy for a verdict."""
    noisy = [row.name for row in rows if report.noisy(row)]
    disturbed = [row.name for row in rows if row.disturbed]
    if noisy:
        print(f"\n*** TOO NOISY FOR A VERDICT: {', '.join(noisy)}\n    The rounds differ too much from each other, or "
              "are fewer than three. Measure again on a quiet machine, with more --rounds.")
    if disturbed:
        print(f"\n*** THE MACHINE WAS BUSY: other programs took over {MOST_BY_OTHERS:.0%} of its processor time during "
              f"{', '.join(disturbed)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
