"""Leaving scopes that were not entered, and sections in another order than they were entered in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from kernel import Cancelled, TaskGroup, VirtualClock, checkpoint, current_task, run, shielded, sleep, spawn, timeout


@pytest.mark.parametrize("make", [lambda: timeout(1), shielded, TaskGroup])
def test_a_scope_that_no_task_is_in_cannot_be_left(make: Callable[[], Any]) -> None:
    async def leave(scope: Any) -> None:
        with pytest.raises(RuntimeError, match="no task is in it"):
            await scope.__aexit__(None, None, None)

    async def main() -> None:
        scope = make()
        await leave(scope)
        async with scope:
            pass
        await leave(scope)

    run(main())


@pytest.mark.parametrize("cancelled_at", [0.5, 1.5, 2.5])
def test_sections_of_a_generator_and_of_its_caller_end_in_any_order(cancelled_at: float) -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        async with shielded():
            yield 1
            await sleep(1)
            yield 2

    async def body() -> None:
        generator = numbers()
        await anext(generator)
        async with shielded():
            await anext(generator)
            await generator.aclose()
            await sleep(1)
            log.append("whole")
            async with timeout(1):
                await sleep(0.9)
        await checkpoint()
        log.append("not cancelled")

    async def main() -> None:
        task = await spawn(body())
        await sleep(cancelled_at)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert log == ["whole"] and task.shields == 0
        async with shielded():  # of another task, which does not see those
            assert (await current_task()).shields == 1

    log = list[str]()
    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("outer", [False, True])
@pytest.mark.parametrize("closed", ["before", "while it cleans up"])
@pytest.mark.parametrize("cancelled_at", [None, 0.25, 2.5])
def test_a_timeout_outlives_the_section_of_a_generator_that_it_was_in(outer: bool, closed: str,
                                                                      cancelled_at: float | None) -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        async with shielded():
            yield 1

    async def limited() -> None:
        generator = numbers()
        await anext(generator)
        async with timeout(1):
            if closed == "before":
                await sleep(0.5)
                await generator.aclose()
            try:
                await sleep(9)
            finally:
                await generator.aclose()
                async with shielded():
                    await sleep(1)
                    log.append("cleaned up")

    async def body() -> None:
        try:
            if outer:
                async with shielded():
                    await limited()
            else:
                await limited()
        except TimeoutError:
            log.append("timed out")
        await sleep(1)
        log.append("went on")

    async def main() -> None:
        task = await spawn(body())
        if cancelled_at is None:
            await task
            assert log == ["cleaned up", "timed out", "went on"]
        else:
            await sleep(cancelled_at)
            task.cancel()
            with pytest.raises(Cancelled):
                await task
            assert "cleaned up" in log and "went on" not in log
        assert task.shields == 0 and task.cancelling() == (cancelled_at is not None)

    log = list[str]()
    run(main(), clock=VirtualClock())
