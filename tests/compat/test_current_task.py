"""No task is current while a plain callback runs, whatever item of the kernel has run before it."""

from __future__ import annotations

import asyncio
from typing import Any

import compat
import kernel


def test_while_a_group_fails() -> None:
    seen: list[Any] = []

    async def failing() -> None:
        raise OSError("failed")

    async def other() -> None:
        for _ in range(6):
            asyncio.get_running_loop().call_soon(lambda: seen.append(asyncio.current_task()))
            await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.create_task(other())
        try:
            async with kernel.TaskGroup() as group:
                await group.spawn(failing())
                await asyncio.sleep(1)
        except* OSError:
            pass
        await task

    compat.run(main())
    assert seen == [None] * 6


def test_after_a_call_from_elsewhere() -> None:
    seen: list[Any] = []

    async def other() -> None:
        loop: Any = asyncio.get_running_loop()
        loop.kernel.call_from_thread(int)
        loop.kernel.calls.admit(loop.kernel)  # as at the beginning of the next turn
        loop.call_soon(lambda: seen.append(asyncio.current_task()))

    async def main() -> None:
        await asyncio.create_task(other())
        await asyncio.sleep(0.01)

    compat.run(main())
    assert seen == [None]
