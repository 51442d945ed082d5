"""A shielded section of the kernel in a task of the facade, which cleans up after a time limit of its own."""

from __future__ import annotations

import asyncio

import pytest

import compat
from kernel import shielded, timeout


def test_a_cancellation_from_outside_waits_for_the_end_of_the_section() -> None:
    async def main() -> None:
        loop, log = asyncio.get_running_loop(), list[str]()

        async def body() -> None:
            async with shielded():
                try:
                    async with timeout(0.01):
                        try:
                            await loop.create_future()
                        finally:
                            expired.set()
                            await more.wait()
                            log.append("cleaned up")
                except TimeoutError:
                    log.append("ended")
                await asyncio.sleep(0)
                log.append("whole")
            await asyncio.sleep(0)
            log.append("not cancelled")

        expired, more = asyncio.Event(), asyncio.Event()
        task = loop.create_task(body())
        await expired.wait()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        more.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert log == ["cleaned up", "ended", "whole"]

    with asyncio.Runner(loop_factory=compat.new_event_loop) as runner:
        runner.run(main())
