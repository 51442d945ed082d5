"""Which task asyncio believes to be running, and which to exist: `asyncio.current_task()` and `all_tasks()`.

asyncio documents a way to tell it: `_enter_task`, `_register_task` and their kin. These check at each step what the
trampoline guarantees, and to register a task costs a third of making one (`spawn` of the benchmarks). So this module
works on what these functions work on, and uses the functions where it does not find that.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from asyncio import tasks
from collections.abc import Callable
from typing import Any, Protocol

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


class Registry(Protocol):
    """The tasks that there are, as weak references. `discard` ignores what is not in it, None as well."""

    def add(self, reference: weakref.ref[Any], /) -> object: ...
    def discard(self, reference: weakref.ref[Any] | None, /) -> object: ...


class Functions:
    """asyncio's registry, by asyncio's own functions."""

    def add(self, reference: weakref.ref[Any], /) -> None:
        tasks._register_task(reference())  # type: ignore[arg-type]

    def discard(self, reference: weakref.ref[Any] | None, /) -> None:
        task = None if reference is None else reference()
        if task is not None:  # else asyncio has forgotten it
            tasks._unregister_task(task)


class Probe:
    """Registered as a task for a moment, and a task that is done for whoever looks then."""

    def done(self) -> bool:
        return True

    def get_loop(self) -> None:
        return None


def set_with(probe: Probe) -> set[Any] | None:
    """The set inside of the WeakSet that `probe` is in; None when it is not to be found.

    asyncio's C module keeps the WeakSet to itself since Python 3.14. But the WeakSet has its references call a function
    when their object goes, and a default argument of that function refers to the WeakSet.
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
