"""Shielded sections: they hold back a cancellation from outside until they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from kernel import (Cancelled, Shielded, TaskGroup, VirtualClock, checkpoint, current_task, now, run, shielded, sleep,
                    spawn, timeout)
from tests.support.coroutines import after, cancel_after


def test_a_shielded_section_is_cancelled_at_its_end() -> None:
    log = list[str]()

    async def body() -> None:
        async with shielded() as section:
            assert isinstance(section, Shielded)
            await sleep(2)
            async with shielded():
                await sleep(2)
            await sleep(1)
            log.append("whole")
        log.append("never")

    async def main() -> None:
        task = await spawn(body())
        await sleep(1)
        task.cancel()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert log == ["whole"] and await now() == 5

    run(main(), clock=VirtualClock())


def test_an_error_of_a_shielded_section_goes_first() -> None:
    async def body() -> str:
        try:
            async with shielded():
                await sleep(2)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        await sleep(1)
        return "not cancelled"

    async def main() -> None:
        task = await spawn(body())
        await sleep(1)
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())


def test_a_shielded_section_in_a_timeout_ends_before_that_raises() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(1):
                async with shielded():
                    await sleep(3)
                raise AssertionError("cancelled before this")
        assert await now() == 3

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("cancelled_at", [None, 0.5, 1, 1.25, 2.5])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_timeout_in_a_shielded_section_works_and_the_shield_holds(cancelled_at: float | None, depth: int) -> None:
    log = list[str]()

    async def cleanup() -> None:
        try:
            async with timeout(1):
                try:
                    await sleep(9)
                finally:
                    await sleep(0.5)
        except TimeoutError:
            log.append("timed out")
        await sleep(2)
        log.append("cleaned up")

    async def body() -> None:
        async with shielded():
            if depth == 1:
                await cleanup()
            else:
                async with timeout(100), shielded():
                    await cleanup()
        log.append("went on")

    async def main() -> None:
        task = await spawn(body())
        if cancelled_at is None:
            await task
            assert log == ["timed out", "cleaned up", "went on"]
            return
        await spawn(cancel_after(cancelled_at, task))
        together = cancelled_at == 1  # with the timeout's own cancellation, as one exception
        with pytest.raises(Cancelled, match=None if together else "from outside"):
            await task
        assert log == ["timed out", "cleaned up"] and task.cancelling() == 1

    run(main(), clock=VirtualClock())


def test_timeouts_nested_in_a_shielded_section() -> None:
    async def body() -> list[str]:
        seen = list[str]()
        async with shielded():
            try:
                async with timeout(2):
                    try:
                        async with timeout(1):
                            try:
                                await sleep(9)
                            finally:
                                async with shielded():
                                    await sleep(3)  # the outer one comes in here
                    except TimeoutError:
                        seen.append("inner")
            except TimeoutError:
                seen.append("outer")
            seen.append("shielded on")
            await sleep(1)
        return seen

    async def main() -> None:
        assert await (await spawn(body())) == ["outer", "shielded on"]
        task = await spawn(body())
        await spawn(cancel_after(0.5, task))
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())


def test_a_task_group_in_a_shielded_section_fails_at_once() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup):
            async with shielded(), TaskGroup() as group:
                await group.spawn(after(1, ValueError()))
                await sleep(100)
        assert await now() == 1

    run(main(), clock=VirtualClock())


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
