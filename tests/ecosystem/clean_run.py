"""Running a test's coroutine on this project's loop so that nothing it leaves behind is overlooked."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import compat

T = TypeVar("T")

LIMIT = 30.0  # seconds for a whole test not to hang
AFTERMATH = 2.0  # seconds for the tasks that a library has cancelled or told to stop


def clean_run(main: Coroutine[Any, Any, T], limit: float = LIMIT) -> T:
    """`compat.run(main)`; an error when tasks are left over, or the loop's exception handler is told of anything."""
    told: list[dict[str, Any]] = []

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        assert type(loop) is compat.EventLoop
        loop.set_exception_handler(lambda _, context: told.append(context))
        async with asyncio.timeout(limit):
            result = await main
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            _, left = await asyncio.wait(left, timeout=AFTERMATH)
        assert not left, f"tasks are left: {left}"
        return result

    result = compat.run(watched())
    gc.collect()
    assert not told, f"the exception handler was told: {told}"
    return result
