"""Who is blocked, on what, and where: what a deadlock report is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .waitable import Waitable

if TYPE_CHECKING:
    from .core import Kernel
    from .task import Task


class Deadlock(RuntimeError):
    """Tasks wait for each other, or for what nothing is left to bring about.

    `tasks` are the blocked ones; the message says of each what it waits for, and where in its source.
    """

    def __init__(self, reason: str, tasks: Iterable[Task[Any]], remedy: str = "") -> None:
        self.tasks = list(tasks)
        lines = [f"  {task} {describe(task)}" for task in self.tasks]
        super().__init__("\n".join([f"{reason}:", *lines, *([remedy] if remedy else [])]))


def nothing_left(kernel: Kernel) -> Deadlock:
    """The error of a kernel in which no task can run any more; its tap is told."""
    error = Deadlock("nothing is left that could wake the blocked tasks", kernel.by_age(),
                     "(If another thread was going to: kernel.expect_calls() makes the kernel wait for it.)")
    if kernel.tap is not None:
        kernel.tap.deadlock(error)
    return error


def describe(task: Task[Any]) -> str:
    """What `task` does, and where: "is blocked on sleep(1.5) at main.py:12 in main"."""
    request = task.blocked_on
    if request is None:
        return f"is {task.state} at {where(task)}"
    try:
        awaited = f"wait({request})" if isinstance(request, Waitable) else str(request)
    except Exception:  # a defect in a class of the program's must not hide who is blocked
        awaited = f"<{type(request).__qualname__}, whose repr() fails>"
    return f"is blocked on {awaited} at {where(task)}"


def where(task: Task[Any]) -> str:
    """The file, line and function where `task` is suspended, or is running: the innermost that is not the kernel's."""
    for code in [task.code, *reversed(task.callers or ())]:
        place = None
        while code is not None:
            frame = getattr(code, "cr_frame", None) or getattr(code, "gi_frame", None)
            if frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] != "kernel":
                place = frame
            code = getattr(code, "cr_await", None) or getattr(code, "gi_yieldfrom", None)
        if place is not None:
            return f"{place.f_code.co_filename}:{place.f_lineno} in {place.f_code.co_qualname}"
    return "no known place"
