"""The smallest programs for what HTTP libraries and tools have brought to light."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import compat
from kernel import sleep


@pytest.mark.xfail(strict=True, raises=RuntimeError, reason="asyncio's own class of tasks, which libraries such as "
                   "aiohttp call for their handlers' sake, takes futures only: 'Task got bad yield: Sleep(0.001)'")
def test_native_waits_in_a_task_made_of_asyncios_own_class() -> None:
    async def work() -> str:
        await sleep(0.001)
        return "done"

    async def main() -> Any:
        return await asyncio.Task(work(), loop=asyncio.get_running_loop())

    assert compat.run(main()) == "done"
