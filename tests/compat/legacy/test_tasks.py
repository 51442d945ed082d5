"""`Task.all_tasks()` and `Task.current_task()`."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.compat.legacy.old_code import compat, modern, warned

ALL_TASKS = "Task.all_tasks() is deprecated since Python 3.7, use asyncio.all_tasks() instead"
CURRENT_TASK = "Task.current_task() is deprecated since Python 3.7, use asyncio.current_task() instead"


def test_current_task() -> None:
    async def main() -> bool:
        with warned(CURRENT_TASK):
            task = compat.Task.current_task()  # here
        return task is compat.current_task()

    assert compat.run(main()) is True


def test_current_task_outside_of_tasks(loop: asyncio.AbstractEventLoop) -> None:
    found: list[object] = []

    def look() -> None:
        with warned(CURRENT_TASK):
            found.append(compat.Task.current_task())  # here
        loop.stop()

    loop.call_soon(look)
    loop.run_forever()
    assert found == [None]
    with warned(CURRENT_TASK):
        assert compat.Task.current_task(loop) is None  # here
    with warned(CURRENT_TASK):
        assert compat.Task.current_task(loop=loop) is None  # here


def test_all_tasks(loop: asyncio.AbstractEventLoop) -> None:
    with warned(ALL_TASKS):
        assert compat.Task.all_tasks(loop) == set()  # here
    task = loop.create_task(modern())
    with warned(ALL_TASKS):
        assert compat.Task.all_tasks(loop=loop) == {task}  # here

    async def main() -> Any:
        with warned(ALL_TASKS):
            tasks = compat.Task.all_tasks()  # here
        return tasks == {task, compat.current_task()}

    assert loop.run_until_complete(main())
    loop.run_until_complete(task)


def test_all_tasks_has_those_that_are_not_done(loop: asyncio.AbstractEventLoop) -> None:
    """Python 3.8 had in it those that were done as well, for as long as somebody kept them."""
    done, waiting = loop.create_task(modern()), loop.create_task(modern())
    loop.run_until_complete(done)
    another = loop.create_task(modern())
    with warned(ALL_TASKS):
        assert compat.Task.all_tasks(loop) - {waiting} == {another}  # here
    loop.run_until_complete(another)
