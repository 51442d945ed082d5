"""The exploration cancels what the program cancels. What a library does with its own task is not the program's."""

from __future__ import annotations

import asyncio
from typing import Any

import compat


class Scope:
    """As anyio's: when its block is left by a cancellation, it cancels what is in it, and that is its own task too."""

    def __init__(self) -> None:
        self._host_task: Any = asyncio.current_task()

    def deliver_cancellation(self, origin: Scope) -> None:
        self._host_task.cancel()

    async def serve(self) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_soon(self.deliver_cancellation, self)
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                pass
            raise


def test_a_scope_that_cancels_its_own_task_again_has_not_asked_for_the_first_time() -> None:
    async def main() -> None:
        async def serve() -> None:
            await Scope().serve()

        server = asyncio.create_task(serve(), name="server")
        await asyncio.sleep(0.5)
        assert not server.done(), "nobody serves"
        server.cancel()
        await asyncio.wait([server])

    report = compat.explore(main, strategy="cancel", runs=1000)
    assert report and "of 1 task" in report.complete, report


def test_a_task_without_a_name_is_known_by_its_code() -> None:
    async def main() -> None:
        async def use() -> None:
            try:
                await asyncio.sleep(0.3)
            except asyncio.CancelledError:
                raise ValueError("half done") from None
            finally:
                ready.set()
            await asyncio.sleep(10)

        ready = asyncio.Event()
        task = asyncio.create_task(use())
        await ready.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), "half done"

    report = compat.explore(main, strategy="cancel", runs=1000)
    assert report.tape is not None
    known_by = main.__qualname__ + ".<locals>.use"
    assert [name for name, _ in report.tape.cancels] == [f"task 'Task-2' of {known_by}"]
