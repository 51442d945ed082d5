"""Where a task is suspended, as a number: to know whether a run has come to a state in which none was before."""

from __future__ import annotations

from typing import Any

from ..task import Task


def place_hash(task: Task[Any]) -> int:
    """A hash of where `task` is suspended: of the functions that it is in, and of how far it has come in each."""
    places: list[int] = []
    for code in (*task.callers, task.code) if task.callers else (task.code,):
        while code is not None:
            frame = getattr(code, "cr_frame", None) or getattr(code, "gi_frame", None)
            if frame is None:
                break
            places.append(id(frame.f_code) + frame.f_lasti)
            code = getattr(code, "cr_await", None) or getattr(code, "gi_yieldfrom", None)
    return hash(tuple(places))
