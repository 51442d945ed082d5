"""A task that fails by its request is gone and its failure told at once, as with asyncio, without the collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

import compat
from kernel import Kernel, Syscall, Task
from tests.compat.loops import note_reports


class Bad:
    """Yields what is no future."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield 5


class Refusing(Syscall[None]):
    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        raise LookupError(f"not for {task}")


async def yields_badly() -> None:
    await Bad()


async def waits_for_itself() -> None:
    task: Any = asyncio.current_task()
    await task


async def waits_for_another_loop_s_future() -> None:
    loop = compat.new_event_loop()
    loop.close()
    await loop.create_future()


async def is_refused() -> None:
    await Refusing()


@pytest.mark.parametrize("function", [yields_badly, waits_for_another_loop_s_future, is_refused])
def test_told_at_once(uncollected: None, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    assert compat.run(told_of(function)) == ["Task exception was never retrieved"]


async def told_of(function: Callable[[], Coroutine[Any, Any, None]]) -> list[str]:
    """What a loop tells of a task a few turns after it was made, when nobody has asked for its failure."""
    reports = note_reports()
    asyncio.create_task(function())
    for _ in range(3):
        await asyncio.sleep(0)
    return [report["message"] for report in reports]


def test_one_that_waits_for_itself_by_name_is_kept_by_its_own_frame_alone(uncollected: None) -> None:
    """The frame has the task in a variable; without that nothing keeps it."""
    async def nameless() -> None:
        await asyncio.current_task()  # type: ignore[misc]  # there is one

    message = "Task exception was never retrieved"
    assert compat.run(told_of(nameless)) == asyncio.run(told_of(nameless)) == [message]
    assert compat.run(told_of(waits_for_itself)) == asyncio.run(told_of(waits_for_itself)) == []


def test_a_main_that_fails_or_exits_leaves_nothing_to_the_collector(uncollected: None) -> None:
    async def fail() -> None:
        raise LookupError

    async def leave() -> None:
        raise SystemExit(3)

    def runs() -> int:
        for main in fail, leave:
            try:
                compat.run(main())
            except (LookupError, SystemExit):
                pass
        return gc.collect()

    runs()  # what is made the first time
    assert runs() < 20  # a main task that holds itself, its loop and its kernel are more than 70 objects
