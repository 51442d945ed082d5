"""Who is inside of a block `async with lock:`, for locks that do not know it themselves.

While a task is inside, Python keeps what it will call at the block's end: the lock's `__aexit__`. It is on the stack of
the suspended code, where the garbage collector sees it, and so does this module. A lock that was acquired by a call of
`acquire` leaves no such mark. Nor does code show its stack while it is being executed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import AsyncGeneratorType, FunctionType, MethodType
from typing import Any

from .requests import LIBRARIES


def blocks_of(code: Any) -> Iterator[Any]:
    """The objects whose `async with` blocks a suspended coroutine or generator is in, or is about to enter."""
    before: Any = None
    for referent in gc.get_referents(code):
        manager = None
        if isinstance(referent, MethodType):
            if referent.__name__ == "__aexit__":
                manager = referent.__self__
        elif isinstance(before, FunctionType) and before.__name__ == "__aexit__":
            # Since Python 3.14 the function and its object are two neighbours on the stack.
            if getattr(type(referent), "__aexit__", None) is before:
                manager = referent
        if manager is not None:
            yield manager
            if type(manager).__module__ == "contextlib":  # perhaps written as a generator, which has blocks in turn
                generator = getattr(manager, "gen", None)
                if isinstance(generator, AsyncGeneratorType):
                    yield from blocks_of(generator)
        before = referent


def held_by(manager: Any) -> list[Any]:
    """What is held while inside of the block of `manager`: itself, and the lock or the request that it consists of."""
    held = [manager]
    if any(kind.__module__.partition(".")[0] in LIBRARIES for kind in type(manager).__mro__):
        # A native lock has its state in its request, and a condition has a lock.
        held += [getattr(manager, name, None) for name in ("request", "_lock")]
        held.append(getattr(getattr(manager, "lock", None), "request", None))
    return held
