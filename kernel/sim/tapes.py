"""Tapes: what was chosen in a run, to be written down, read again, and replayed.

A tape names the choices that were not quiet. It also says what each of them was about, so that one notices when the
program has changed and the tape does not fit any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

VERSION = 1


class Deviation(NamedTuple):
    """A choice that was not the quiet one."""

    place: int  # how many choices came before it
    value: int
    options: int
    kind: str  # "stall", "late", "apart", "thread", "order", "seed" or "cancel"
    subject: str  # whose step, or what, it is about


class Misfit(RuntimeError):
    """A tape does not fit the program, which has changed since, or depends on something that is not simulated."""

    def __init__(self, expected: Deviation, came: Deviation | None, made: int = 0) -> None:
        what = f"{expected.kind} of {expected.subject}, with {expected.options} options"
        if came is None:
            end = f"the run has ended after {made} choices"
        else:
            end = f"here it is {came.kind} of {came.subject}, with {came.options} options"
        super().__init__(f"the tape does not fit this program: choice {expected.place} was {what}, and {end}; "
                         "explore the program anew")


class Tape(NamedTuple):
    """The choices of a run that were not quiet, and how far the simulation was to look."""

    deviations: tuple[Deviation, ...] = ()
    reach: int = 2  # how many pending deadlines ahead a step may take
    order: str = "kept"  # of the ready tasks: "kept" or "any"
    longest_stall: float = 1.0  # seconds
    faults: tuple[str, ...] = ()  # that may strike
    # The tasks at whose suspensions there were choices whether to cancel them, and where the program cancels them.
    cancels: tuple[tuple[str, str], ...] = ()

    def values(self) -> dict[int, int]:
        return {deviation.place: deviation.value for deviation in self.deviations}

    def text(self) -> str:
        """The tape as JSON, in one line."""
        rows = [deviation._asdict() for deviation in self.deviations]
        faults = {"faults": self.faults} if self.faults else {}
        cancels = {"cancels": dict(self.cancels)} if self.cancels else {}
        return json.dumps({"tape": VERSION, "reach": self.reach, "order": self.order,
                           "longest_stall": self.longest_stall, **faults, **cancels, "deviations": rows})

    def save(self, path: str | Path) -> None:
        """Write the tape to a file, which `load` reads."""
        Path(path).write_text(self.text() + "\n", encoding="utf-8")


def load(source: Tape | str | Path) -> Tape:
    """The tape in a file, or in a text that `Tape.text` has made. Raises `ValueError` for what is none."""
    if isinstance(source, Tape):
        return source
    what = f"the file {source}"
    try:
        if isinstance(source, str) and source.lstrip().startswith("{"):
            what, text = "the text", source
        else:
            text = Path(source).read_text(encoding="utf-8")
        data = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{what} is no tape: {error}") from None
    if not isinstance(data, dict) or "tape" not in data:
        raise ValueError(f"{what} is no tape: it has to begin with {{\"tape\": {VERSION}")
    if data["tape"] != VERSION:
        raise ValueError(f"{what} is a tape of version {data['tape']!r}; this release reads version {VERSION}")
    reach, order, rows = data.get("reach"), data.get("order"), data.get("deviations")
    longest, faults, cancels = data.get("longest_stall"), data.get("faults", []), data.get("cancels", {})
    if not (type(reach) is int and 0 < reach < 100 and order in ("kept", "any") and isinstance(longest, (int, float))
            and 0 <= longest < 1e9 and isinstance(rows, list) and isinstance(faults, list)
            and all(isinstance(fault, str) for fault in faults)
            and isinstance(cancels, dict) and all(isinstance(place, str) for place in cancels.values())):
        raise ValueError(f"{what} is no tape: 'reach', 'order', 'longest_stall' or 'deviations' is missing or wrong")
    return Tape(_deviations(what, rows), reach, order, float(longest), tuple(faults), tuple(cancels.items()))


def _deviations(what: str, rows: Sequence[Any]) -> tuple[Deviation, ...]:
    found: list[Deviation] = []
    for row in rows:
        if not (isinstance(row, dict) and set(row) == set(Deviation._fields) and isinstance(row["kind"], str)
                and isinstance(row["subject"], str)
                and all(type(row[key]) is int for key in ("place", "value", "options"))
                and 0 < row["value"] < row["options"] and row["place"] > (found[-1].place if found else -1)):
            raise ValueError(f"{what} is no tape: {row!r} is no choice that can come here")
        found.append(Deviation(**row))
    return tuple(found)
