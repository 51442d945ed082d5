"""What to call tasks, callbacks and timers in a tape and in a story: the same in every process."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..insight.requests import program_place, text_of
from ..syscalls import Sleep
from ..task import Task


def name_of(item: Any) -> str:
    """What to call something that the kernel runs, or that a choice is about."""
    if item is None:
        return "the kernel"
    if isinstance(item, str):
        return item
    if isinstance(item, Task):
        return f"task {str(item.name)!r}"
    return getattr(item, "label", None) or f"callback {function_name(item)}"


def function_name(item: Any) -> str:
    """The function that a callback calls, or a timer."""
    function = item
    for attribute in "_callback", "function":
        function = getattr(item, attribute, None) or function
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def is_woken(task: Task[Any]) -> bool:
    """Whether the wait of `task` is over, and it has not run since."""
    future: Any = getattr(task.blocked_on, "future", task.blocked_on)
    return task.woken or future is not None and callable(getattr(future, "done", None)) and future.done()


def state_of(task: Task[Any]) -> str:
    """What a task does that is not done: "waits in sleep(1) at main.py:12 in main"."""
    awaited: Any = task.blocked_on
    if is_woken(task):
        doing = "has been woken and has not run since,"
    elif awaited is not None:
        doing = f"waits in {text_of(task, awaited)}"
    else:
        doing = "is ready,"
    return f"{doing} at {program_place(task)}"


def timer_name(timer: Any, tasks: list[Task[Any]]) -> str:
    """Whose timer it is, and of what: "the sleep of task 'a'"."""
    if isinstance(timer, Sleep):
        return f"the sleep of {owner_of(timer, tasks)}"
    if isinstance(timer, str) or hasattr(timer, "label"):
        return name_of(timer)
    arguments = getattr(timer, "_args", None) or ()
    for task in tasks:
        if task.blocked_on is not None and any(task.blocked_on is argument for argument in arguments):
            return f"the sleep of {name_of(task)}"
    limit = getattr(getattr(timer, "_callback", None), "__self__", None) or getattr(timer, "_timeout", None)
    limited = getattr(limit, "_task", None)
    if isinstance(limited, Task):
        return f"the time limit of {name_of(limited)}"
    return f"the timer of {function_name(timer)}"


def owner_of(request: Any, tasks: list[Task[Any]]) -> str:
    """The task that is blocked on `request`."""
    return next((name_of(task) for task in tasks if task.blocked_on is request), "a task")
