"""Async generators that are left half-way: closed in a task, at the latest at the end of the run."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator

import pytest

from kernel import VirtualClock, current_task, run, sleep
from tests.support.reports import Reports, refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


async def numbers(trace: list[str]) -> AsyncGenerator[int, None]:
    try:
        yield 1
        yield 2
    finally:
        await sleep(1)
        trace.append("closed")


def test_an_async_generator_left_half_way_is_closed_in_a_task() -> None:
    trace: list[str] = []

    async def main() -> None:
        async for _ in numbers(trace):
            break
        gc.collect()
        await sleep(5)
        trace.append("main")

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed", "main"]


def test_an_async_generator_thrown_away_at_the_very_end_is_closed() -> None:
    trace: list[str] = []

    async def main() -> None:
        async for _ in numbers(trace):
            break

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed"]


def test_an_async_generator_thrown_away_behind_many_calls_is_closed() -> None:
    trace: list[str] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        for _ in range(100):
            kernel.call_from_thread(int)
        async for _ in numbers(trace):
            break

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed"]


def test_an_async_generator_that_somebody_still_holds_is_closed() -> None:
    trace: list[str] = []

    held = numbers(trace)

    async def main() -> None:
        assert await anext(held) == 1

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed"]


def test_a_failure_while_an_async_generator_is_closed_is_reported() -> None:
    reports = Reports()

    async def failing() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise LookupError("in the generator")

    held = failing()

    async def main() -> None:
        assert await anext(held) == 1

    run(main(), exception_hook=reports)
    assert [str(error) for error in reports.errors] == ["in the generator"]
