"""What `call_soon`, `call_later` and `call_at` make of a callback, with the context that it is to run in."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from .loops import run

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="nothing")
WAYS: dict[str, Callable[..., Any]] = {
    "call_soon": lambda loop, *args, **options: loop.call_soon(*args, **options),
    "call_later": lambda loop, *args, **options: loop.call_later(1, *args, **options),
    "call_later, due": lambda loop, *args, **options: loop.call_later(0, *args, **options),
    "call_at": lambda loop, *args, **options: loop.call_at(loop.time() + 1, *args, **options),
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("arguments", [(), (1, 2)])
@pytest.mark.parametrize("way", WAYS)
def test_a_callback_runs_in_the_context_given_or_in_a_copy_of_the_caller_s(
        way: str, arguments: tuple[int, ...], debug: bool) -> None:
    log: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(debug)

        def callback(*args: int) -> None:
            log.append((args, VARIABLE.get()))
            VARIABLE.set("changed")

        given = contextvars.Context()
        given.run(VARIABLE.set, "given")
        VARIABLE.set("the caller's")
        for context in given, None:
            WAYS[way](loop, callback, *arguments, context=context)
        VARIABLE.set("later")
        await asyncio.sleep(2)
        log.append((given[VARIABLE], VARIABLE.get()))

    run(main())
    assert log == [(arguments, "given"), (arguments, "the caller's"), ("changed", "later")]
