"""The words of a listing: how it calls a task, a place and a span of time, and how it says what a task waits for.

What a program has named, or what its objects print, may hold anything: control characters are shown as escapes, so none
reaches the terminal, and long texts are cut.
"""

from __future__ import annotations

import os
from typing import Any

from ..insight.requests import without_state

Data = dict[str, Any]  # of a snapshot, of a kernel, of a task; docs/dump.md has the schema

NAME, WAIT = 24, 60  # characters of a name and of a wait that fit in a column
MANY = 5  # so many equal tasks are listed; of more, only the first two


class View:
    """One kernel of a snapshot, with its tasks by their numbers."""

    def __init__(self, snapshot: Data, kernel: Data) -> None:
        self.directory: str | None = snapshot["directory"]
        self.kernel = kernel
        self.tasks: dict[int, Data] = {task["id"]: task for task in kernel["tasks"]}

    def lock_of(self, task: Data) -> Data | None:
        """The lock or the like at which the task waits."""
        return None if task["lock"] is None else self.kernel["locks"][task["lock"] - 1]


def condition(view: View, task: Data) -> str:
    """What a task does, and where: "is blocked on sleep(1.5) at main.py:12 in main"."""
    waits = waits_for(view, task)
    since = "" if task["since"] is None else f" for {since_of(view, task)}"
    state = f"is blocked on {cut(waits, WAIT)}{since}" if waits else f"is {task['state']}"
    return state + at(view, task["where"]) + although(task)


def waits_for(view: View, task: Data) -> str:
    """What a task waits for, with who holds it where that is a lock that does not say so itself."""
    text = safe(task["waits_for"] or "")
    lock = view.lock_of(task)
    if lock is not None and lock["holders"] and "held by" not in text:
        return f"{text}, held by {labels(view, lock['holders'])}"
    return text


def although(task: Data) -> str:
    """That what a task waits for is free, as the end of a sentence; "" where it is not known to be."""
    return "" if task["free"] is None else f", although {safe(task['free'])}"


def wait_cell(view: View, task: Data) -> str:
    """The same two in a column. There the text of the lock or the like is left out, of which the end tells."""
    end, text = although(task), waits_for(view, task) or "-"
    return cut(without_state(text) if end else text, WAIT - len(end)) + end


def since_of(view: View, task: Data) -> str:
    return "-" if task["since"] is None else duration(view.kernel["now"] - task["since"])


def label(task: Data) -> str:
    return f"task {task['id']} '{cut(safe(task['name']), NAME)}'"


def labels(view: View, numbers: list[int]) -> str:
    names = [label(view.tasks[number]) for number in numbers[:MANY] if number in view.tasks]
    return ", ".join(names) + (f" and {len(numbers) - MANY:,} more" if len(numbers) > MANY else "")


def at(view: View, place: Data | None) -> str:
    return "" if place is None else f" at {place_of(view, place)}"


def place_of(view: View, place: Data | None) -> str | None:
    if place is None:
        return None
    return f"{path_of(view, place['file'])}:{place['line']} in {safe(place['function'])}"


def path_of(view: View, file: str) -> str:
    """The path of a file, from the program's directory on if it is in there."""
    inside = "" if view.directory is None else os.path.join(view.directory, "")
    return safe(file.removeprefix(inside))


def duration(seconds: float) -> str:
    """A span of time, in three digits or so: "0.5s", "3m05s", "2h10m"."""
    if seconds < 100:
        return f"{seconds:.1f}s"
    if seconds < 6000:
        return f"{int(seconds) // 60}m{int(seconds) % 60:02}s"
    return f"{int(seconds) // 3600}h{int(seconds) // 60 % 60:02}m"


def plural(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 3] + "..."


def safe(text: str) -> str:
    """`text` without control characters, nor others that a terminal does not show as they are."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
