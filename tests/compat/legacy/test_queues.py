"""`JoinableQueue`."""

from __future__ import annotations

from typing import Any

from tests.compat.legacy.old_code import Gen, compat, quiet


def test_joinable_queue() -> None:
    async def main() -> list[int]:
        queue: Any = compat.JoinableQueue()
        got = []

        @quiet
        def consumer() -> Gen:
            for _ in range(3):
                got.append((yield from queue.get()))
                queue.task_done()

        task = compat.create_task(consumer())
        for i in range(3):
            queue.put_nowait(i)
        await queue.join()
        await task
        return got

    assert compat.run(main()) == [0, 1, 2]
