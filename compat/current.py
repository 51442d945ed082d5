"""Which task asyncio believes to be running, and which to exist: `asyncio.current_task()` and `all_tasks()`.

asyncio documents functions to tell it: `_enter_task`, `_leave_task`, `_register_task`, `_unregister_task`. The first
two check at each step what the trampoline guarantees anyway. The others cost 0.3 µs a task, where 1.4 µs make and run
one (CPython 3.13). So this module uses the dictionary and the set on which these functions work. Where it does not find
the set, it uses the functions.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from asyncio import tasks
from collections.abc import Callable
from typing import Any

from kernel.devices.protocols import Protocol

Loop = asyncio.AbstractEventLoop


class CurrentTasks(Protocol):
    """Each loop with its current task. To set an item of a dictionary takes no call: `switch` of the benchmarks."""

    def __setitem__(self, loop: Loop, task: Any, /) -> None: ...


current_tasks: CurrentTasks
current: Callable[[Loop], Any]  # the loop's current task, or None
swap: Callable[[Loop, Any], Any]  # set a task or None; returns what was current before
leave: Callable[[Loop, None], object]  # the loop has no current task from now on

if sys.version_info >= (3, 14):
    leave = swap = tasks._swap_current_task  # type: ignore[attr-defined]
    current = tasks.current_task

    class ByFunction:
        """What asyncio has in the place of the dictionary."""

        __setitem__ = staticmethod(swap)

    current_tasks = ByFunction()
else:
    current_tasks = _current = tasks._current_tasks  # type: ignore[attr-defined]
    leave = _current.pop
    current = _current.get

    def swap(loop: Loop, task: Any) -> Any:
        previous = _current.pop(loop, None)
        if task is not None:
            _current[loop] = task
        return previous


class Registry(Protocol):
    """Weak references to all tasks. `discard` does nothing for one that is not there, nor for None."""

    def add(self, reference: weakref.ref[Any], /) -> object: ...
    def discard(self, reference: weakref.ref[Any] | None, /) -> object: ...


class Functions:
    """A registry that calls asyncio's functions."""

    def add(self, reference: weakref.ref[Any], /) -> None:
        tasks._register_task(reference())  # type: ignore[arg-type]

    def discard(self, reference: weakref.ref[Any] | None, /) -> None:
        task = None if reference is None else reference()
        if task is not None:  # else asyncio, which has weak references too, has lost it already
            tasks._unregister_task(task)


class Probe:
    """What is registered as a task for a moment. Another thread that looks at the tasks just then takes it for done."""

    def done(self) -> bool:
        return True

    def get_loop(self) -> None:
        return None


def set_with(probe: Probe) -> set[Any] | None:
    """The set of references inside of the WeakSet in which `probe` is; None where it cannot be found.

    Since Python 3.14 asyncio's C module does not show the WeakSet. But each reference in a WeakSet has a callback that
    takes it out when its object goes, and a default argument of that callback refers to the WeakSet.
    """
    for reference in weakref.getweakrefs(probe):
        for default in getattr(reference.__callback__, "__defaults__", None) or ():
            data = getattr(default() if isinstance(default, weakref.ref) else None, "data", None)
            if isinstance(data, set) and reference in data:
                return data
    return None


def find_registry() -> Registry:
    probe: Any = Probe()
    tasks._register_task(probe)
    try:
        found = set_with(probe)
    finally:
        tasks._unregister_task(probe)
    return Functions() if found is None else found


scheduled = find_registry()
