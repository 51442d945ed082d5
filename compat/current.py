"""Which task asyncio believes to be running, and which to exist: `asyncio.current_task()` and `all_tasks()`.

asyncio's documented way to tell it, `_enter_task` and its kin, checks at each step what the trampoline guarantees, and
its WeakSet costs more than making a task; benchmarks/switch.py shows it. What is used instead is what these stand on.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from asyncio import tasks
from collections.abc import Callable
from typing import Any

Loop = asyncio.AbstractEventLoop

enter: Callable[[Loop, Any], object]  # make a task of the loop the current one, whichever was before
swap: Callable[[Loop, Any], Any]  # the same with a task or None, and return the one before
leave: Callable[[Loop, None], object]  # have the loop run no task

if sys.version_info >= (3, 14):
    enter = leave = swap = tasks._swap_current_task  # type: ignore[attr-defined]
else:
    _current: dict[Loop, Any] = tasks._current_tasks  # type: ignore[attr-defined]
    enter = _current.__setitem__
    leave = _current.pop

    def swap(loop: Loop, task: Any) -> Any:
        previous = _current.pop(loop, None)
        if task is not None:
            _current[loop] = task
        return previous


def _registry() -> Any:
    """asyncio's WeakSet of tasks: of those that are not of its own C class, where it keeps these apart."""
    if sys.version_info < (3, 12):
        return tasks._all_tasks  # type: ignore[attr-defined]
    if sys.version_info < (3, 14):
        return tasks._scheduled_tasks  # type: ignore[attr-defined]
    # The C module keeps it to itself, and only the garbage collector can tell what it is.
    return next(found for found in gc.get_referents(sys.modules["_asyncio"]) if isinstance(found, weakref.WeakSet))


scheduled: set[Any] = _registry().data  # the set of weak references inside
