"""A task that fails by its request is gone and its failure told at once, as with asyncio, without the collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

import compat
from kernel import Kernel, Syscall, Task


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
def test_told_at_once(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
        asyncio.create_task(function())
        for _ in range(3):
            await asyncio.sleep(0)
        assert told == ["Task exception was never retrieved"]

    gc.collect()
    gc.disable()
    try:
        compat.run(main())
    finally:
        gc.enable()


def test_one_that_waits_for_itself_by_name_is_kept_by_its_own_frame_alone() -> None:
    """The frame has the task in a variable; without that nothing keeps it."""
    async def nameless() -> None:
        await asyncio.current_task()  # type: ignore[misc]  # there is one

    async def main(function: Callable[[], Coroutine[Any, Any, None]]) -> int:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
        asyncio.create_task(function())
        for _ in range(3):
            await asyncio.sleep(0)
        return len(told)

    gc.collect()
    gc.disable()
    try:
        assert compat.run(main(nameless)) == asyncio.run(main(nameless)) == 1
        assert compat.run(main(waits_for_itself)) == asyncio.run(main(waits_for_itself)) == 0
    finally:
        gc.enable()


def test_a_main_that_fails_or_exits_leaves_nothing_to_the_collector() -> None:
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

    gc.disable()
    try:
        runs()  # what is made the first time
        assert runs() < 20  # a main task that holds itself, its loop and its kernel are more than 70 objects
    finally:
        gc.enable()
