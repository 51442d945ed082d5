"""A task gets the answer to its own request, and never what was meant for another."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Kernel, Lock, Syscall, Task, run, spawn


class Answering(Syscall[str]):
    """Leaves an answer with the task, and then fails, or blocks."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.inbox = "stale"
        if self.fails:
            raise OSError("no answer")
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        pass


def test_an_answer_that_was_followed_by_a_failure_is_dropped() -> None:
    async def main() -> None:
        with pytest.raises(OSError, match="no answer"):
            await Answering(True)
        assert await Lock().acquire() is None  # type: ignore[func-returns-value]  # that is the question

    run(main())


def test_an_answer_that_was_followed_by_an_exception_from_outside_is_dropped() -> None:
    async def waits() -> None:
        with pytest.raises(OSError, match="from outside"):
            await Answering(False)
        assert await Lock().acquire() is None  # type: ignore[func-returns-value]  # that is the question

    async def main() -> None:
        task = await spawn(waits())
        await spawn(throwing(task))
        await task

    async def throwing(task: Task[Any]) -> None:
        task.throw(OSError("from outside"))

    run(main())
