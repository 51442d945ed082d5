"""Cancelling a task, taking that back, and the message that comes with it: asyncio's own task says what is right."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

import compat
import kernel

Requests = Callable[["asyncio.Task[Any]"], object]


def request_again(task: asyncio.Task[Any]) -> None:
    task.cancel("first")
    task.uncancel()
    task.cancel()


def request_and_take_back(task: asyncio.Task[Any]) -> None:
    task.cancel("first")
    task.uncancel()


def request_twice(task: asyncio.Task[Any]) -> None:
    task.cancel("first")
    task.cancel()


def request_three_times(task: asyncio.Task[Any]) -> None:
    task.cancel("first")
    task.uncancel()
    task.cancel("second")
    task.uncancel()
    task.cancel("third")


SEQUENCES = [request_again, request_and_take_back, request_twice, request_three_times]


async def seen_by_those_who_wait(task: asyncio.Task[Any]) -> list[object]:
    """What a cancelled task shows, asked in every way and more than once."""
    seen: list[object] = []
    for _ in range(2):
        try:
            seen.append(await task)
        except asyncio.CancelledError as error:
            seen.append(error.args)
        seen.append([repr(result) for result in await asyncio.gather(task, return_exceptions=True)])
    for ask in task.result, task.exception:
        try:
            seen.append(ask())
        except asyncio.CancelledError as error:
            seen.append(error.args)
    return [*seen, task.cancelled(), task.cancelling()]


async def cancels_itself(requests: Requests) -> list[object]:
    caught: list[object] = []

    async def body() -> str:
        task = asyncio.current_task()
        assert task is not None
        requests(task)
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            caught.extend([error.args, task.cancelling()])
            raise
        return "survived"

    return [*await seen_by_those_who_wait(asyncio.create_task(body())), caught]


async def is_cancelled_where_it_waits(requests: Requests, turns: int) -> list[object]:
    task = asyncio.create_task(asyncio.sleep(0.01, "survived"))
    for _ in range(turns):
        await asyncio.sleep(0)
    requests(task)
    return await seen_by_those_who_wait(task)


@pytest.mark.parametrize("requests", SEQUENCES)
def test_a_task_that_cancels_itself(requests: Requests) -> None:
    assert compat.run(cancels_itself(requests)) == asyncio.run(cancels_itself(requests))


@pytest.mark.parametrize("turns", [0, 1, 2], ids=["not started", "waiting", "waiting for a while"])
@pytest.mark.parametrize("requests", SEQUENCES)
def test_a_task_that_is_cancelled_from_outside(requests: Requests, turns: int) -> None:
    expected = asyncio.run(is_cancelled_where_it_waits(requests, turns))
    assert compat.run(is_cancelled_where_it_waits(requests, turns)) == expected


def test_a_cancellation_that_was_taken_back_is_dropped_since_python_3_13() -> None:
    """Said outright, should asyncio and this project ever change together."""
    dropped = sys.version_info >= (3, 13)
    assert compat.run(cancels_itself(request_and_take_back))[-1] == ([] if dropped else [("first",), 0])


def test_the_last_message_counts() -> None:
    assert compat.run(cancels_itself(request_again))[-1] == [(), 1]
    assert compat.run(cancels_itself(request_three_times))[-1] == [("third",), 1]


def test_the_message_goes_to_the_first_who_asks() -> None:
    assert compat.run(cancels_itself(request_three_times))[:3] == [("third",), ["CancelledError('')"], ()]


def test_a_task_blocked_on_a_native_request_gets_the_message() -> None:
    async def main() -> tuple[Any, ...]:
        async def sleeper() -> None:
            await kernel.sleep(60)

        task = asyncio.create_task(sleeper())
        await asyncio.sleep(0)
        task.cancel("no more sleep")
        try:
            await task
        except asyncio.CancelledError as error:
            return error.args
        return ()

    assert compat.run(main()) == ("no more sleep",)


def test_a_native_timeout_that_expires_too_late_leaves_nothing_behind() -> None:
    """It takes its cancellation back, also where asyncio of this Python would deliver one that was taken back."""

    async def main() -> str:
        loop = asyncio.get_running_loop()
        event = kernel.Event()

        def answer_late() -> None:
            event.set()
            assert scope.deadline is not None
            while loop.time() < scope.deadline:
                pass
            loop.call_later(0, int)  # has the loop look at its timers before the task runs

        async with kernel.timeout(0.005) as scope:
            loop.call_soon(answer_late)
            await event.wait()  # is answered before the timeout expires
        await asyncio.sleep(0)
        return "undisturbed"

    assert compat.run(main()) == "undisturbed"
