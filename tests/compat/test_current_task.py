"""No task is current while a plain callback runs, whatever item of the kernel has run before it."""

from __future__ import annotations

import asyncio
from typing import Any

import compat
import kernel


def noting(seen: list[Any], rounds: int) -> None:
    """Note which task is current, in so many callbacks one after the other."""
    seen.append(asyncio.current_task())
    if rounds:
        asyncio.get_running_loop().call_soon(noting, seen, rounds - 1)


def test_while_a_group_fails() -> None:
    seen: list[Any] = []

    async def failing() -> None:
        await kernel.sleep(0)
        raise OSError("failed")

    async def main() -> None:
        asyncio.get_running_loop().call_soon(noting, seen, 8)
        try:
            async with kernel.TaskGroup() as group:
                await group.spawn(failing())
                await group.spawn(asyncio.sleep(1000))
        except* OSError:
            pass
        await asyncio.sleep(0.01)

    compat.run(main())
    assert seen == [None] * 9


def test_while_a_call_comes_from_elsewhere() -> None:
    seen: list[Any] = []

    async def other() -> None:
        for _ in range(8):
            await asyncio.sleep(0)

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        task = asyncio.create_task(other())
        loop.call_soon(noting, seen, 8)
        for _ in range(8):
            loop.kernel.call_from_thread(int)
            await asyncio.sleep(0)
        await task

    compat.run(main())
    assert seen == [None] * 9
