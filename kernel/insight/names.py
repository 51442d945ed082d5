"""What to call a task where a person reads it: "task 7 'worker'"."""

from __future__ import annotations

from typing import Any

from ..task import Task


def number(task: Task[Any]) -> int:
    """The number of `task`, by which commands name it. A task of asyncio's kind gets one when it is first asked for."""
    try:
        return task.id
    except AttributeError:
        task.id = next(task.kernel.task_ids)
        return task.id


def label(task: Task[Any]) -> str:
    """The task's number and name; what `str` gives for a native task."""
    return f"task {number(task)} '{task.name}'"
