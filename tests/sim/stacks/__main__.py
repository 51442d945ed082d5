"""The command line: run or explore one stack."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import compat

from .programs import STACKS, on_one_host, on_two_hosts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.stacks", description=__doc__)
    parser.add_argument("stack", choices=STACKS)
    parser.add_argument("--real", action="store_true", help="over real sockets, and not in simulation")
    parser.add_argument("--hosts", action="store_true", help="with the server on a host of its own")
    parser.add_argument("--runs", type=int, help="explore it, with so many runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strategy", default="portfolio")
    parser.add_argument("--faults", nargs="+", default=[], help="what the explorer may do to the network")
    parser.add_argument("--tape", type=Path, help="write the tape of what was found to this file")
    parser.add_argument("--replay", type=Path, help="make the one run of this tape")
    options = parser.parse_args()
    if options.real:
        compat.run(on_one_host(options.stack, 0)())
        return 0
    program = (on_two_hosts if options.hosts else on_one_host)(options.stack)
    if options.runs is None:
        compat.simulate(program, tape=options.replay)
        return 0
    report = compat.explore(program, runs=options.runs, seed=options.seed, strategy=options.strategy,
                            faults=options.faults)
    print(report)
    if options.tape is not None and report.tape is not None:
        report.tape.save(options.tape)
    return 0 if report else 1


if __name__ == "__main__":
    sys.exit(main())
