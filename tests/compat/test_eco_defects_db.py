"""What libraries for databases and the servers around them came upon in the facade."""

from __future__ import annotations

import asyncio

import pytest

import compat
import kernel


@pytest.mark.xfail(reason="asyncio.Task stays asyncio's own, which takes no syscalls", raises=RuntimeError, strict=True)
def test_a_task_that_a_library_makes_itself_takes_syscalls() -> None:
    """aiohttp's server runs handlers in such: it does not ask the loop for a task."""
    async def native() -> str:
        await kernel.sleep(0.001)
        return "done"

    async def main() -> str:
        return await asyncio.Task(native(), loop=asyncio.get_running_loop())

    assert compat.run(main()) == "done"
