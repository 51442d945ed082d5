"""What asyncio has dropped since Python 3.4, as the last Python that had it did it, warning included."""

from __future__ import annotations

import functools
import inspect
import types
import warnings
from collections.abc import Callable, Generator
from typing import Any

__all__ = ["coroutine"]


def coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a generator function as a coroutine function: its generators can be awaited, and `yield from` coroutines.

    As `asyncio.coroutine` of Python 3.4 to 3.10: an `async def` function is returned as it is, and a function that
    returns a future or another awaitable becomes a coroutine function that waits for it.
    """
    warnings.warn('"@coroutine" decorator is deprecated since Python 3.8, use "async def" instead', DeprecationWarning,
                  stacklevel=2)
    if inspect.iscoroutinefunction(function):
        return function
    if inspect.isgeneratorfunction(function):
        return types.coroutine(function)

    @functools.wraps(function)
    def generator_function(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        result = function(*args, **kwargs)
        if inspect.isgenerator(result) or inspect.isawaitable(result):
            result = yield from result if inspect.isgenerator(result) else result.__await__()
        return result

    decorated: Callable[..., Any] = types.coroutine(generator_function)
    return decorated
