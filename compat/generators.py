"""A generator where a coroutine is expected, as asyncio took it until Python 3.11."""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")


@types.coroutine
def _delegate(generator: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    return (yield from generator)


async def _drive(generator: Generator[Any, Any, T]) -> T:
    return await _delegate(generator)


def accepted(arg: Any) -> Any:
    """`arg`; for a generator, a coroutine that runs it, under its name."""
    if not isinstance(arg, types.GeneratorType):
        return arg
    driver: Any = _drive(arg)
    driver.__name__, driver.__qualname__ = arg.__name__, arg.__qualname__
    return driver
