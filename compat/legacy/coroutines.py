"""`@coroutine`, which makes a coroutine function of a generator function; and `iscoroutine`, which knows generators."""

from __future__ import annotations

import asyncio
import functools
import inspect
import types
import warnings
from asyncio import coroutines
from collections.abc import Callable, Generator
from typing import Any

_iscoroutine = asyncio.iscoroutine  # asyncio's own, also after `install` has put the one below in its place


def coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a coroutine function of a generator function: its generators can be awaited, and `yield from` coroutines.

    As `asyncio.coroutine` of Python 3.4 to 3.10. An `async def` function is returned as it is. A function that returns
    a future or another awaitable becomes a coroutine function that waits for what it returns.
    """
    warnings.warn('"@coroutine" decorator is deprecated since Python 3.8, use "async def" instead', DeprecationWarning,
                  stacklevel=2)
    if inspect.iscoroutinefunction(function):
        return function
    if inspect.isgeneratorfunction(function):
        return _marked(types.coroutine(function))

    @functools.wraps(function)
    def generator_function(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        result = function(*args, **kwargs)
        if inspect.isgenerator(result):
            result = yield from result
        elif inspect.isawaitable(result):
            result = yield from result.__await__()
        return result

    return _marked(types.coroutine(generator_function))


def _marked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have `asyncio.iscoroutinefunction` say yes."""
    function._is_coroutine = getattr(coroutines, "_is_coroutine", True)  # type: ignore[attr-defined]
    return function


def iscoroutine(obj: object) -> bool:
    """Whether `obj` can be run as a coroutine. Every generator can, as until Python 3.11."""
    return isinstance(obj, types.GeneratorType) or _iscoroutine(obj)
