"""A task that is cancelled when its answer is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import kernel

Spawn = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]


async def cancel_answered(spawn: Spawn) -> tuple[list[object], bool]:
    """Cancel a task that has been answered and has not run since; what it got, and whether it ended cancelled."""
    got: list[object] = []

    async def child(mailbox: kernel.Waitable[str]) -> None:
        got.append(await mailbox)
        try:
            await kernel.sleep(60)
        except asyncio.CancelledError:
            got.append("cancelled")
            raise

    mailbox: kernel.Waitable[str] = kernel.Waitable()
    task = await spawn(child(mailbox))
    await asyncio.sleep(0)
    mailbox.complete("mail")
    task.cancel()
    await asyncio.wait([task])
    return got, task.cancelled()
