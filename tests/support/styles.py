"""The three ways to make a request: from a coroutine, and from a generator by `yield` and by `yield from`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

Gen = Generator[Any, Any, Any]
Code = Coroutine[Any, Any, Any] | Gen
Ask = Callable[[Callable[[], Any]], Code]


async def by_await(request: Callable[[], Any]) -> Any:
    return await request()


def by_yield(request: Callable[[], Any]) -> Gen:
    return (yield request())


def by_yield_from(request: Callable[[], Any]) -> Gen:
    return (yield from request())


each_style = pytest.mark.parametrize("ask", [by_await, by_yield, by_yield_from])
