"""`python -m benchmarks.charts`: draw the charts again from results that were written."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from .. import report


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charts",
                                     description="Draw the charts of results again, beside the files of the results.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.json",
                        help="what 'python -m benchmarks --write' has written (default: all in benchmarks/results)")
    files = parser.parse_args(arguments).files or sorted(report.RESULTS.glob("*.json"))
    if importlib.util.find_spec("matplotlib") is None:
        parser.exit(1, "the charts are drawn by matplotlib, which is not installed: pip install matplotlib\n")
    for file in files:
        try:
            drawn = report.draw(file.with_suffix(""), *report.read(file))
        except (OSError, ValueError) as error:
            parser.exit(1, f"{error}\n")
        for path in drawn:
            print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
