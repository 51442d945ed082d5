"""Who is inside of a block `async with lock:`, for locks that do not know it themselves.

While a task is inside, Python keeps what it will call at the block's end: the lock's `__aexit__`. It is on the stack of
the suspended code, where the garbage collector sees it, and so does this module. A lock that was acquired by a call of
`acquire` leaves no such mark. Nor does code show its stack while it is being executed.
"""

from __future__ import annotations

import gc
import sys
from types import AsyncGeneratorType, FunctionType, MethodType
from typing import Any

from ..insight.requests import LIBRARIES

if sys.version_info >= (3, 14):

    def managers_on_stack(code: Any) -> list[Any]:
        """The context managers whose `__aexit__` is on the stack of some suspended code: two neighbours there."""
        seen = gc.get_referents(code)
        return [manager for method, manager in zip(seen, seen[1:]) if type(method) is FunctionType
                and method.__name__ == "__aexit__" and getattr(type(manager), "__aexit__", None) is method]

else:

    def managers_on_stack(code: Any) -> list[Any]:
        """The context managers whose `__aexit__` is on the stack of some suspended code."""
        return [method.__self__ for method in gc.get_referents(code)
                if type(method) is MethodType and method.__name__ == "__aexit__"]


def blocks_of(code: Any) -> list[Any]:
    """The objects whose `async with` blocks a suspended coroutine or generator is in, or is about to enter."""
    managers = managers_on_stack(code)
    for manager in managers:
        if type(manager).__module__ == "contextlib":  # perhaps written as a generator, which has blocks in turn
            generator = getattr(manager, "gen", None)
            if isinstance(generator, AsyncGeneratorType):
                managers = managers + managers_on_stack(generator)
    return managers


def held_by(manager: Any) -> list[Any]:
    """What is held while inside of the block of `manager`: itself, and the lock or the request that it consists of."""
    held = [manager]
    if any(kind.__module__.partition(".")[0] in LIBRARIES for kind in type(manager).__mro__):
        # A native lock has its state in its request, and a condition has a lock.
        held += [getattr(manager, name, None) for name in ("request", "_lock")]
        held.append(getattr(getattr(manager, "lock", None), "request", None))
    return held
