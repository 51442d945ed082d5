"""The command line: one fuzzer, or both side by side; the exit status is 1 when a program fails."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from pathlib import Path

from .fuzzers import FUZZERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("fuzzer", nargs="?", choices=FUZZERS, help="which; by default both, side by side")
    parser.add_argument("--seed", type=int, help="the only program to run, or the first of many with --seconds")
    parser.add_argument("--seconds", type=float, help="run new programs for so long")
    parser.add_argument("--file", type=Path, help="run this program instead, on the conditions of the seed")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    if options.fuzzer is None:
        command = [sys.executable, "-m", "tests.fuzz"]
        limits = ["--seed", str(seed), "--seconds", str(options.seconds or 30.0)]
        running = [subprocess.Popen([*command, name, *limits]) for name in FUZZERS]
        return 1 if any([process.wait() for process in running]) else 0  # negative where a signal has ended one
    fuzzer = FUZZERS[options.fuzzer]
    if options.seconds is not None:
        return 1 if fuzzer.run(seed, options.seconds) else 0
    source = options.file.read_text() if options.file else fuzzer.source(seed)
    verdict = fuzzer.verdict(source, seed)
    print(f"{source}\n{verdict or 'nothing is wrong'}")
    if verdict and not options.file:
        print(fuzzer.explain(seed))
    return 1 if verdict else 0


if __name__ == "__main__":
    sys.exit(main())
