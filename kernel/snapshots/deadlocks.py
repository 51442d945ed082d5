"""The picture in a deadlock report: each `Deadlock` gets a note with the circle of its tasks, if they wait in one.

The note also says which of them wait although what they wait for is free.

A note (`BaseException.add_note`) is shown under the traceback by whoever shows that, and the error's message stays as it
is. The tasks are looked at when the error is made: when it is shown they have ended.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache, wraps
from typing import Any

from ..deadlock import Deadlock
from ..task import Task


@cache
def draw_deadlocks() -> None:
    """From now on, give every `Deadlock` that is made its picture. To do so once is enough."""
    make: Any = Deadlock.__init__

    @wraps(make)
    def __init__(error: Deadlock, reason: str, tasks: Iterable[Task[Any]], remedy: str = "") -> None:
        make(error, reason, tasks, remedy)
        try:
            if text := picture(error):
                error.add_note(text)
        except Exception as failure:  # of a class of the program's: the report itself is more important
            error.add_note(f"(The circle cannot be drawn: {type(failure).__name__}: {failure})")

    setattr(Deadlock, "__init__", __init__)  # so the micro-kernel need not know of it


def picture(error: Deadlock) -> str:
    """The circles and the lost wake-ups among the tasks of `error`, which has just been made in their kernel's thread."""
    if not error.tasks:
        return ""
    # Here, to save start-up time: most programs have no deadlock.
    from .copying import copy_kernel
    from .drawing import fitted
    from .hangs import circles_of, free_waits, free_waits_of
    from .snapshots import directory, plain_data
    from .words import View
    copy = plain_data(copy_kernel(error.tasks[0].kernel, refused=True))
    about = {task.id for task in error.tasks}
    view = View({"directory": directory()}, copy)
    circles = [circle for circle in copy["circles"] if any(link["task"] in about for link in circle)]
    free = [task for task in free_waits(view) if task["id"] in about]
    text = "\n".join([*circles_of(view, circles or _of_itself(view, about)), *free_waits_of(view, free)])
    return fitted(text, getattr(sys.stderr, "encoding", None))


def _of_itself(view: Any, about: set[int]) -> list[list[dict[str, Any]]]:
    """The circle of a single task that waits for a lock which it holds."""
    if len(about) != 1:
        return []
    number, = about
    lock = view.tasks[number]["lock"] if number in view.tasks else None
    holders = [] if lock is None else view.kernel["locks"][lock - 1]["holders"]
    return [[{"task": number, "awaits": number, "lock": lock}]] if holders == [number] else []
