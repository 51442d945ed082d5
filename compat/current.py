"""Which task asyncio believes to be running, and which to exist: `asyncio.current_task()` and `all_tasks()`.

asyncio's documented way to tell it, `_enter_task` and its kin, checks at each step what the trampoline guarantees, and
its WeakSet costs more than making a task; benchmarks/switch.py shows it. What is used instead is what these stand on.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import tasks
from collections.abc import Callable
from typing import Any

Loop = asyncio.AbstractEventLoop

enter: Callable[[Loop, Any], object]  # make a task of the loop the current one, whichever was before
swap: Callable[[Loop, Any], Any]  # the same with a task or None, and return the one before

if sys.version_info >= (3, 14):
    enter = swap = tasks._swap_current_task
else:
    _current: dict[Loop, Any] = tasks._current_tasks  # type: ignore[attr-defined]
    enter = _current.__setitem__

    def swap(loop: Loop, task: Any) -> Any:
        previous = _current.pop(loop, None)
        if task is not None:
            _current[loop] = task
        return previous

# The set of weak references inside asyncio's WeakSet of tasks.
_every_task: Any = tasks._all_tasks if sys.version_info < (3, 12) else tasks._scheduled_tasks  # type: ignore[attr-defined]
scheduled: set[Any] = _every_task.data
