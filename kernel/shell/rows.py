"""The table of a live view: which tasks it shows, in which order, and what stands in each column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..snapshots.listing import Tree, folded
from ..snapshots.words import NAME, although, cut, duration, place_of, safe, wait_cell, waits_for
from .following import KernelMoment

Data = dict[str, Any]


class Column(NamedTuple):
    """A column: what stands in it, and by what it is sorted, at first the other way round if `falling`."""

    title: str
    text: Callable[[KernelMoment, Data], str]
    key: Callable[[KernelMoment, Data], Any]
    falling: bool = False
    right: bool = False  # it stands at the right
    meaning: str = ""


def waited(kernel: KernelMoment, task: Data) -> float:
    """How many seconds the task has waited, as far as that is known; -1 if it does not wait."""
    if task["state"] != "blocked":
        return -1.0
    return kernel.watched if task["since"] is None else max(0.0, kernel.kernel["now"] - task["since"])


def since_text(kernel: KernelMoment, task: Data) -> str:
    seconds = waited(kernel, task)
    if seconds < 0:
        return "-"
    return f">{duration(seconds)}" if task["since"] is None else duration(seconds)


def short(seconds: float) -> str:
    """A length of time in a few characters: "12µs", "3.4ms", "2.1s"."""
    if seconds <= 0:
        return "-"
    if seconds < 0.001:
        return f"{math.ceil(seconds * 1e6)}µs"
    if seconds < 1:
        return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f}ms"
    return duration(seconds)


COLUMNS = {column.title: column for column in (
    Column("ID", lambda kernel, task: str(task["id"]), lambda kernel, task: task["id"], right=True,
           meaning="the task's number"),
    Column("NAME", lambda kernel, task: cut(safe(task["name"]), NAME), lambda kernel, task: task["name"],
           meaning="its name"),
    Column("STATE", lambda kernel, task: safe(task["state"]), lambda kernel, task: task["state"], falling=True,
           meaning="running; ready, and others run; or blocked: it waits"),
    Column("SINCE", since_text, waited, falling=True, right=True,
           meaning="how long it has waited; with > at least so long, since the wait began before this view"),
    Column("STEPS", lambda kernel, task: f"{task['steps']:,}", lambda kernel, task: task["steps"], falling=True, right=True,
           meaning="how often it ran, since this view began"),
    Column("BUSY%", lambda kernel, task: f"{100 * task['share']:.1f}" if task["share"] else "-",
           lambda kernel, task: task["share"], falling=True, right=True,
           meaning="in how much of the last interval it ran"),
    Column("BUSY", lambda kernel, task: short(task["busy"]), lambda kernel, task: task["busy"], falling=True, right=True,
           meaning="how long it ran in all, since this view began"),
    Column("LONGEST", lambda kernel, task: short(task["longest"]), lambda kernel, task: task["longest"], falling=True, right=True,
           meaning="its longest step: so long it kept all others waiting"),
    Column("WAITS-FOR", lambda kernel, task: wait_cell(kernel, task),
           lambda kernel, task: task["waits_for"] or "", meaning="what it waits for, and who holds that"),
    Column("WHERE", lambda kernel, task: place_of(kernel, task["where"]) or "-",
           lambda kernel, task: place_of(kernel, task["where"]) or "", meaning="the line of the program at which it is"),
)}


class Choice(NamedTuple):
    """What to show, and in which order."""

    column: str = "BUSY%"
    reversed: bool = False
    filter: str = ""
    tree: bool = False
    all: bool = False  # each task, also where many are alike


class Row(NamedTuple):
    """A task in the table."""

    task: Data
    level: int = 0  # in the tree
    again: bool = False  # it stands further up as well
    alike: int = 0  # more tasks like it, which are not in the table


def rows_of(kernel: KernelMoment, choice: Choice) -> list[Row]:
    """The rows of the table. A task passes the filter if that is in its name, in its wait, or in its place."""
    if choice.tree:
        return list(_tree(kernel, choice))
    tasks = [task for task in kernel.tasks.values() if _passes(kernel, task, choice.filter)]
    column = COLUMNS[choice.column]
    tasks.sort(key=lambda task: column.key(kernel, task), reverse=column.falling is not choice.reversed)
    return [Row(task, alike=alike) for task, alike in folded(tasks, choice.all)]


def _passes(kernel: KernelMoment, task: Data, text: str) -> bool:
    if not text:
        return True
    parts = safe(task["name"]), waits_for(kernel, task) + although(task), place_of(kernel, task["where"]) or ""
    return any(text.lower() in part.lower() for part in parts)


def _tree(kernel: KernelMoment, choice: Choice) -> Iterator[Row]:
    """The rows in the order of the tree; with a filter those that pass, and those that they are below."""
    above: list[Row | None] = []  # None for a row that has been given
    for branch in Tree(kernel, choice.all or bool(choice.filter)).branches():
        task = kernel.tasks[branch.task]
        above[branch.level:] = [Row(task, branch.level, branch.again, branch.alike)]
        if _passes(kernel, task, choice.filter):
            yield from filter(None, above)
            above = [None] * len(above)
