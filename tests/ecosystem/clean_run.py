"""Running a coroutine on the loop of compat, in this process, and seeing that nothing is left of it.

ECOSYSTEM_LOOP=asyncio has the same tests run on asyncio's own loop: what fails there as well is not the doing of ours.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import compat

T = TypeVar("T")
STOCK = os.environ.get("ECOSYSTEM_LOOP") == "asyncio"
LIMIT = 45.0  # seconds for all that a test awaits
GRACE = 5.0  # seconds for what ends by itself a little later


def run_cleanly(main: Coroutine[Any, Any, T], *, limit: float = LIMIT, forgets: str | None = None,
                leaves: str | None = None, keeps: bool = False) -> T:
    """Run `main`, for `limit` seconds at most, and return its value.

    An error when anything was told to the loop's exception handler, but for an exception with the message that the
    library `leaves` on any loop; when tasks are left that do not end by themselves,
    but for those of the coroutine function that the library `forgets` on any loop, which are cancelled; or when
    descriptors or threads are left, unless the library `keeps` some for as long as the process lives.
    """
    told: list[dict[str, Any]] = []

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if leaves is None or str(context.get("exception")) != leaves:
            told.append(context)

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, compat.EventLoop) is not STOCK, loop
        loop.set_exception_handler(note)
        async with asyncio.timeout(limit):
            value = await main
        await ended(forgets)
        gc.collect()  # futures whose exceptions nobody has asked for tell of it when they go
        await asyncio.sleep(0)
        return value

    before = open_descriptors(), threading.active_count()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop if STOCK else compat.new_event_loop) as runner:
        value = runner.run(watched())
    assert not told, f"the exception handler was told of {told}"
    if not keeps:
        limit = time.monotonic() + GRACE
        while (open_descriptors(), threading.active_count()) != before and time.monotonic() < limit:
            gc.collect()
            time.sleep(0.01)
        after = open_descriptors(), threading.active_count()
        assert after == before, f"descriptors and threads: {before} before, {after} after: {threading.enumerate()}"
    return value


async def ended(forgets: str | None) -> None:
    """Wait for all other tasks to end by themselves, but cancel those of `forgets`; an error when some do not end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        if forgets is not None and getattr(task.get_coro(), "__qualname__", "").endswith(forgets):
            task.cancel()
    if others:
        pending = (await asyncio.wait(others, timeout=GRACE))[1]
        assert not pending, f"left over: {pending}"


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str = "what is known to come",
                seconds: float = 30.0) -> None:
    """Wait until the condition is true, asking again and again; an error that says `what` after so many seconds."""
    limit = time.monotonic() + seconds
    while True:
        true = condition()
        if true if isinstance(true, bool) else await true:
            return
        assert time.monotonic() < limit, f"not within {seconds:g} seconds: {what}"
        await asyncio.sleep(0.01)
