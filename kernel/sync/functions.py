"""What kind of function a program has passed, said without importing `inspect`, which takes long."""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, MethodType


def is_async(function: object) -> bool:
    """Whether `function` is an `async def` function, as `inspect.iscoroutinefunction` says.

    `inspect` can also mark other functions as such. Where nobody has imported it, there are none of these.
    """
    ask = getattr(sys.modules.get("inspect"), "iscoroutinefunction", None)
    if ask is not None:
        return bool(ask(function))
    while isinstance(function, (MethodType, partial)):
        function = function.__func__ if isinstance(function, MethodType) else function.func
    return isinstance(function, FunctionType) and bool(function.__code__.co_flags & 0x80)  # CO_COROUTINE
