"""What the operations have tasks do, with the kernel and with asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

from kernel import Task, Waitable, checkpoint, sleep, spawn

HOUR = 3600.0


async def nothing() -> None:
    pass


async def fail() -> None:
    raise ValueError("on purpose")


async def make(ask: Callable[[], Awaitable[object]]) -> None:
    await ask()


async def wait_forever() -> None:
    await Waitable[None]()


async def until_done(task: Task[Any]) -> None:
    """Until the task has ended, without asking how."""
    while not task.done():
        await checkpoint()


async def until_future_done(future: asyncio.Future[Any]) -> None:
    """The same in asyncio."""
    while not future.done():
        await asyncio.sleep(0)


async def cancel_in(ask: Callable[[], Awaitable[object]]) -> None:
    """Cancel a task while it waits for what `ask` returns."""
    task = await spawn(make(ask))
    await checkpoint()
    assert task.state == "blocked"
    task.cancel()
    await until_done(task)


async def cancel_task_in(ask: Callable[[], Awaitable[object]]) -> None:
    """The same in asyncio."""
    task = asyncio.create_task(make(ask))
    await asyncio.sleep(0)
    task.cancel()
    await until_future_done(task)


async def count_up() -> AsyncIterator[int]:
    for number in range(3):
        await sleep(0)
        yield number


async def count_up_in_asyncio() -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(0)
        yield number


def raise_error() -> None:
    raise ValueError("on purpose")


def generate() -> Generator[Any, Any, int]:
    yield
    return 1


async def wait_for(waitable: Waitable[Any]) -> None:
    await waitable
