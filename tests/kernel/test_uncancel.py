"""`cancelling()` counts the requests to cancel a task, and `uncancel()` takes one back."""

from __future__ import annotations

import pytest

from kernel import Cancelled, VirtualClock, checkpoint, current_task, now, run, sleep, spawn
from tests.support.coroutines import sleeper


def test_cancelling_counts_requests_and_uncancel_takes_them_back() -> None:
    async def body() -> None:
        me = await current_task()
        try:
            await sleep(1000)
        except Cancelled:
            assert me.cancelling() == 2
            assert me.uncancel() == 1
            assert me.uncancel() == 0
            assert me.uncancel() == 0  # never below
            assert me.cancelling() == 0

    async def main() -> None:
        task = await spawn(body())
        assert task.cancelling() == 0
        await checkpoint()
        task.cancel()
        task.cancel()
        await task

    run(main(), clock=VirtualClock())


def test_uncancel_drops_a_cancellation_that_the_running_task_has_not_met() -> None:
    async def main() -> None:
        me = await current_task()
        me.cancel()
        me.cancel()
        assert me.uncancel() == 1
        assert me.uncancel() == 0
        await sleep(1)
        assert await now() == 1.0

    run(main(), clock=VirtualClock())


def test_uncancel_keeps_a_cancellation_while_requests_are_left() -> None:
    async def main() -> None:
        me = await current_task()
        me.cancel()
        me.cancel()
        assert me.uncancel() == 1
        with pytest.raises(Cancelled):
            await sleep(1)

    run(main(), clock=VirtualClock())


def test_uncancel_lets_a_task_start_after_all() -> None:
    async def main() -> None:
        task = await spawn(sleeper(1))
        task.cancel()
        assert task.uncancel() == 0
        assert await task == "slept"

    run(main(), clock=VirtualClock())


def test_uncancel_drops_a_cancellation_of_a_task_that_is_ready() -> None:
    async def body() -> str:
        await checkpoint()
        return "went on"

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        assert task.uncancel() == 0
        assert await task == "went on"

    run(main())


def test_a_wait_that_was_cancelled_is_over_even_when_the_request_is_taken_back() -> None:
    async def main() -> None:
        task = await spawn(sleeper())
        await checkpoint()
        task.cancel()
        task.uncancel()
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())


def test_a_wait_that_was_cancelled_twice_is_over_even_when_both_requests_are_taken_back() -> None:
    async def main() -> None:
        task = await spawn(sleeper())
        await checkpoint()
        for request in task.cancel, task.cancel, task.uncancel, task.uncancel:
            request()
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())
