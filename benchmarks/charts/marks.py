"""What a chart shows: a lane for each row, with a mark for each contender, and remarks on those that have none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf, prod

from ..contenders import EVERYONE
from ..rows import Row, Spread

YARDSTICK = "asyncio"
COMPARED = [contender.name for contender in EVERYONE if contender.name != YARDSTICK]
TIMES = ("ns", "µs")  # the units of which less is faster; of others it is smaller
DISTURBED = " *"  # behind the label of a row that others have disturbed

# A few words on each family.
ABOUT = {
    "scheduling": "switch, spawn, wait, cancel",
    "io": "echo servers, files, processes",
    "programs": "task trees, transfers, clients",
    "applications": "aiohttp, uvicorn, redis-py",
    "cost": "memory, import, lateness",
    "growth": "1,000 to 1,000,000 tasks",
}


@dataclass(frozen=True)
class Mark:
    """How many times as fast as asyncio a contender is."""

    contender: str
    speed: Spread


@dataclass(frozen=True)
class Lane:
    """A row as a chart shows it."""

    label: str
    marks: list[Mark]
    remark: str


@dataclass(frozen=True)
class Mean:
    """The geometric mean of a contender's marks in some lanes."""

    contender: str
    speed: float


def families(rows: list[Row]) -> dict[str, list[Lane]]:
    """The lanes of each family, every row in one."""
    titles = Counter(row.title for row in rows)
    found: dict[str, list[Lane]] = {}
    for row in rows:
        label = row.title if titles[row.title] == 1 else f"{row.title} ({row.name})"
        if row.unit not in TIMES:
            label += f", {row.unit}"
        if row.disturbed:
            label += DISTURBED
        found.setdefault(row.family, []).append(lane(label, row))
    return found


def lane(label: str, row: Row) -> Lane:
    marks, odd, remarks = [], [], []
    for name in COMPARED:
        if (speed := row.ratio(name, YARDSTICK)) is None:
            continue
        # A figure of a quick run may be 0, and a process may have shrunk while its memory was measured.
        if 0 < speed.low <= speed.high < inf:
            marks.append(Mark(name, speed))
        else:
            odd.append(name)
    if YARDSTICK not in row.values:
        remarks.append(f"no figure of {YARDSTICK}, only of {' and '.join(row.values)}" if row.values else "no figures")
    if odd:
        remarks.append(f"no ratio, as a figure was not above 0: {', '.join(odd)}")
    # Results of another version may have a contender that this one does not know.
    if strangers := [name for name in row.values if name not in (YARDSTICK, *COMPARED)]:
        remarks.append(f"not drawn: {', '.join(strangers)}")
    if row.failures:
        remarks.append(f"failed: {', '.join(row.failures)}")
    return Lane(label, marks, "; ".join(remarks))


def means(lanes: list[Lane]) -> list[Mean]:
    """The mean of each contender that has a mark."""
    found = []
    for name in COMPARED:
        speeds = [mark.speed.median for lane in lanes for mark in lane.marks if mark.contender == name]
        if speeds:
            found.append(Mean(name, prod(speeds) ** (1 / len(speeds))))
    return found
