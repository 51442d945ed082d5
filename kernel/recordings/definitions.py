"""What each line of a recording has to hold. Once a line is checked, whoever reads the recording can rely on it.

A damaged line may well be JSON still, with another key or number in it.
"""

from __future__ import annotations

from typing import Any

from ..serving.shapes import Maybe, Shape, fits

PLACE = (str, int, str)  # a file, a line, a function

HEADER = {"recording": int, "begin": int, "data": bool, "argv": [str], "python": str, "pid": int, "directory": Maybe(str)}

# By the key that tells what a line is. Of several such keys in a line the first one here counts.
LINES: dict[str, Shape] = {
    "integers": {"integers": int, "data": str},
    "sort": {"sort": int, "kernel": int, "name": str, "daemon": bool, "place": Maybe(PLACE),
             "host": Maybe(int)},
    "clock": {"kernel": int, "clock": {"real", "virtual"}, "kind": {"native", "asyncio"}, "at": int, "shows": int},
    "request": {"request": int, "stack": int, "text": str, "kind": str, "tasks": Maybe([int]), "thing": Maybe(int),
                "descriptor": Maybe(int)},
    "stack": {"stack": int, "frames": [PLACE]},
    "value": {"text": int, "value": str},
    "cause": {"cause": int, "kind": str, "text": str, "by": Maybe(int)},
    "state": {"state": int, "thing": int, "text": str, "size": Maybe(int), "items": Maybe([str]), "owners": Maybe([int])},
    "deadlock": {"deadlock": str, "kernel": int, "time": int, "tasks": [int]},
    "thing": {"thing": int, "kernel": int, "kind": str},
    "file": {"file": str, "source": str},
    "network": {"network": int, "data": str},
    "host": {"host": int, "kernel": int, "name": str, "address": str},
    "renamed": {"renamed": int, "name": str},
    "end": {"end": int},
}


def check(line: dict[str, Any]) -> None:
    """Raise a `ValueError` if the line does not hold what a line of its kind holds."""
    kind = next((key for key in LINES if key in line), None)
    if kind is None:
        return  # of a later program, which still writes this version
    if not fits(line, LINES[kind]):
        wrong = [key for key, shape in LINES[kind].items() if not fits(line.get(key), shape)]
        raise ValueError(f"its {wrong[0]!r} is missing or wrong")
    if kind == "cause" and line.get("by", 0) >= line["cause"]:
        raise ValueError("a cause is its own cause")
