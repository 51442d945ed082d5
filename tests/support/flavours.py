"""The same names for native programs and for asyncio's, so that one test explores both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import compat
import kernel
from kernel.sim import Report, check_determinism

Body = Coroutine[Any, Any, Any]


async def create_task(body: Body, name: str) -> Any:
    return asyncio.create_task(body, name=name)


class Flavour(NamedTuple):
    """The same names for native programs and for asyncio's."""

    explore: Callable[..., Report]
    simulate: Callable[..., Any]
    check_determinism: Callable[..., None]
    spawn: Callable[[Body, str], Any]
    checkpoint: Callable[[], Any]
    sleep: Callable[[float], Any]
    event: Callable[[], Any]
    queue: Callable[[], Any]
    cancelled: type[BaseException]


NATIVE = Flavour(kernel.explore, kernel.simulate, check_determinism, lambda body, name: kernel.spawn(body, name=name), kernel.checkpoint,
                 kernel.sleep, kernel.Event, lambda: kernel.Queue(9), kernel.Cancelled)
ASYNCIO = Flavour(compat.explore, compat.simulate, compat.check_determinism, create_task, lambda: asyncio.sleep(0),
                  asyncio.sleep, asyncio.Event, asyncio.Queue, asyncio.CancelledError)


async def pause(flavour: Flavour, steps: int = 9) -> None:
    """Let the others make some steps."""
    for _ in range(steps):
        await flavour.checkpoint()


async def end_of(task: Any, flavour: Flavour) -> None:
    while not task.done():
        await flavour.checkpoint()
