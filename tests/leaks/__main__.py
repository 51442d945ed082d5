"""`python -m tests.leaks`: print the table, each row measured in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

from .catalogue import TABLE
from .measuring import Growth

HEADS = ("objects/op", "bytes/op", "asyncio objects", "asyncio bytes")
WIDTH = 64


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.leaks",
        description="Print what each operation leaves behind with the garbage collector off: objects, and the bytes by "
                    "which the process goes on growing; then the same of the nearest operation of asyncio.",
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
    command = [sys.executable, "-m", "tests.leaks", "--one", name]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return [side and Growth(side[0], Counter(side[1]), Counter(side[2]), side[3])
            for side in json.loads(output.splitlines()[-1])]


def main() -> None:
    options = parse(sys.argv[1:])
    if options.one:
        return measure_one(options.one)
    names = [name for name in TABLE if any(fnmatchcase(name, pattern) for pattern in options.patterns)]
    if not names:
        sys.exit(f"no row is like {' or '.join(options.patterns)}")
    print_line("operation", HEADS)
    for name in names:
        sides = measure_apart(name)
        print_line(name, [figure for side in sides for figure in figures(side)])
        if options.types:
            for side, whose in zip(sides, ("ours", "asyncio's")):
                if side is not None:
                    print_types(f"{whose}, in cycles", side.cycles)
                    print_types(f"{whose}, kept", side.kept)


def figures(side: Growth | None) -> tuple[str, str]:
    return ("-", "-") if side is None else (f"{side.objects:.2f}", f"{side.memory:.0f}")


def print_line(name: str, columns: Sequence[str]) -> None:
    print(name.ljust(WIDTH), *(column.rjust(len(head)) for column, head in zip(columns, HEADS)), sep="  ", flush=True)


def print_types(what: str, types: Counter[str]) -> None:
    if types:
        print(f"    {what}:", ", ".join(f"{count} {kind}" for kind, count in types.most_common()))


if __name__ == "__main__":
    main()
