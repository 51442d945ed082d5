"""`python -m tests.leaks`: print the table, each row measured in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatchcase

from .catalogue import TABLE
from .measuring import Growth

HEADS = ("objects/op", "bytes/op", "asyncio objects", "asyncio bytes")
WIDTH = 64


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.leaks",
        description="Print what operations leave behind with the garbage collector off: objects, and bytes by which the "
                    "process goes on growing, an operation; and the same of the nearest operation of asyncio.",
        epilog="Objects are those that only the collector could free, and those that somebody keeps. A few bytes mean "
               "nothing: memory comes in pages.")
    parser.add_argument("patterns", nargs="*", default=["*"], metavar="PATTERN", help="of rows, such as '*Queue*'")
    parser.add_argument("--types", action="store_true", help="say of which types the objects are")
    parser.add_argument("--one", metavar="ROW", help=argparse.SUPPRESS)  # what the process of a row is told
    return parser.parse_args(arguments)


def measure_one(name: str) -> None:
    """Print both sides of a row for the process that asked."""
    row = TABLE[name]
    print(json.dumps([growth and (growth.operations, growth.cycles, growth.kept, growth.memory)
                      for growth in (row.ours(row.times, 1), row.theirs(row.times, 1))]))


def measure_apart(name: str) -> list[Growth | None]:
    """Measure a row in a process that has done nothing else, so that its memory is not what others have freed."""
    output = subprocess.run([sys.executable, "-m", "tests.leaks", "--one", name], check=True, stdout=subprocess.PIPE).stdout
    return [side and Growth(side[0], Counter(side[1]), Counter(side[2]), side[3])
            for side in json.loads(output.splitlines()[-1])]


def main() -> None:
    options = parse(sys.argv[1:])
    if options.one:
        return measure_one(options.one)
    names = [name for name in TABLE if any(fnmatchcase(name, pattern) for pattern in options.patterns)]
    if not names:
        sys.exit(f"no row is like {' or '.join(options.patterns)}")
    print("operation".ljust(WIDTH), *(head.rjust(len(head)) for head in HEADS), sep="  ")
    for name in names:
        sides = measure_apart(name)
        figures = [figure for side in sides for figure in (
            ("-", "-") if side is None else (f"{side.objects:.2f}", f"{side.memory:.0f}"))]
        print(name.ljust(WIDTH), *(figure.rjust(len(head)) for figure, head in zip(figures, HEADS)), sep="  ", flush=True)
        if options.types:
            for side, whose in zip(sides, ("ours", "asyncio's")):
                for what, left in (("in cycles", side.cycles), ("kept", side.kept)) if side else ():
                    if left:
                        print(f"    {whose}, {what}:", ", ".join(f"{count} {kind}" for kind, count in left.most_common()))


if __name__ == "__main__":
    main()
