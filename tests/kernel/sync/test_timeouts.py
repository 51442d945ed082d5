"""Timeouts: when they expire, what they raise, and that each leaves alone what is not its own."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kernel import (Cancelled, Event, Kernel, Task, Timeout, VirtualClock, checkpoint, current_task, now, run, shielded,
                    sleep, spawn, timeout, timeout_at)
from tests.support.coroutines import cancel_after
from tests.support.foreign_tasks import as_foreign


class Setter:
    """A timer that sets an event."""

    dead: bool | None = None

    def __init__(self, event: Event) -> None:
        self.event = event

    def fire(self, kernel: Kernel) -> None:
        self.event.set()


def test_a_timeout_raises_at_its_deadline_and_not_before() -> None:
    async def main() -> None:
        async with timeout(2) as limit:
            assert isinstance(limit, Timeout) and limit.deadline == 2
            await sleep(1)
        assert not limit.expired
        with pytest.raises(TimeoutError, match=r"task 1 '.*main' ran out of time: timeout\(2\)") as caught:
            async with timeout(2) as limit:
                await sleep(9)
        assert limit.expired and await now() == 3
        assert isinstance(caught.value.__cause__, Cancelled)
        assert (await current_task()).cancelling() == 0
        with pytest.raises(TimeoutError):
            async with timeout_at(5):
                await sleep(9)
        assert await now() == 5
        await sleep(9)  # nothing is left over

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_timeout_of_nothing_expires_at_the_first_suspension(seconds: float) -> None:
    async def main() -> None:
        async with timeout(seconds) as limit:
            pass
        assert not limit.expired
        with pytest.raises(TimeoutError):
            async with timeout(seconds):
                await sleep(1)

    run(main(), clock=VirtualClock())


def test_no_limit() -> None:
    async def main() -> None:
        for limit in timeout(None), timeout_at(None), timeout(math.inf):
            async with limit:
                await sleep(1e6)
            assert limit.deadline in (None, math.inf) and not limit.expired

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("make", [timeout, timeout_at])
def test_what_is_not_a_time_is_refused_at_the_call(make: Any) -> None:
    with pytest.raises(TypeError, match="takes a number of seconds"):
        make("1")
    with pytest.raises(ValueError, match="NaN"):
        make(math.nan)


def test_a_timeout_can_be_rescheduled() -> None:
    async def main() -> None:
        async with timeout(1) as limit:
            limit.reschedule(5)
            await sleep(4)
            limit.reschedule(None)
            await sleep(4)
            limit.reschedule(math.inf)
            await sleep(4)
            assert limit.deadline == math.inf
        with pytest.raises(TimeoutError):
            async with timeout(None) as limit:
                limit.reschedule(await now() + 2)
                await sleep(3)
        assert await now() == 14
        with pytest.raises(RuntimeError, match="has expired"):
            limit.reschedule(99)
        with pytest.raises(TimeoutError):
            async with timeout(9) as limit:
                limit.reschedule(0)  # the past
                await sleep(3)
        assert await now() == 14
        fresh = timeout(1)
        with pytest.raises(RuntimeError, match="has not been entered"):
            fresh.reschedule(3)
        async with fresh:
            pass
        with pytest.raises(RuntimeError, match="is over"):
            fresh.reschedule(3)
        with pytest.raises(RuntimeError, match="has been entered before"):
            async with fresh:
                pass

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("outer, inner, expected", [(1, 2, "outer"), (2, 1, "inner"), (1, 1, "outer")])
def test_of_nested_timeouts_each_raises_its_own(outer: float, inner: float, expected: str) -> None:
    async def main() -> str:
        try:
            async with timeout(outer):
                try:
                    async with timeout(inner):
                        await sleep(9)
                except TimeoutError:
                    return "inner"
        except TimeoutError:
            return "outer"
        return "none"

    assert run(main(), clock=VirtualClock()) == expected


def test_an_inner_timeout_does_not_swallow_an_outer_one_that_comes_while_it_unwinds() -> None:
    async def main() -> list[str]:
        seen = list[str]()
        try:
            async with timeout(2):
                try:
                    async with timeout(1):
                        try:
                            await sleep(9)
                        finally:
                            await sleep(9)  # the outer one comes in here
                except TimeoutError:
                    seen.append("inner")
        except TimeoutError:
            seen.append("outer")
        return seen

    assert run(main(), clock=VirtualClock()) == ["outer"]


@pytest.mark.parametrize("at", [0.5, 1, 1.5])
@pytest.mark.parametrize("foreign", [False, True])
def test_no_timeout_swallows_a_cancellation(at: float, foreign: bool) -> None:
    async def body() -> None:
        async with timeout(3):
            async with timeout(1):
                try:
                    await sleep(9)
                finally:
                    await sleep(1)

    async def main() -> None:
        task: Task[Any] = await as_foreign(body()) if foreign else await spawn(body())
        await spawn(cancel_after(at, task))
        with pytest.raises(task.cancelled_type):
            await task
        assert task.cancelled() and task.cancelling() == 1

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("shield", [False, True])
def test_a_cancellation_on_its_way_when_the_block_is_entered_is_not_taken_for_the_timeouts_own(shield: bool) -> None:
    async def body() -> str:
        (await current_task()).cancel("before")
        if shield:
            async with shielded():
                await limited()
        else:
            await limited()
        return "swallowed"

    async def limited() -> None:
        try:
            async with timeout(0):
                await sleep(9)
        except TimeoutError:
            assert shield

    async def crowd() -> None:
        for _ in range(9):
            await checkpoint()

    async def main() -> None:
        task = await spawn(body())
        for _ in range(500):  # so many that the time is looked at between the cancellation and its delivery
            await spawn(crowd())
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())


def test_a_timeout_works_in_what_cleans_up_after_a_cancellation() -> None:
    async def body() -> str:
        try:
            await sleep(9)
        except Cancelled:
            try:
                async with timeout(1):
                    await sleep(9)
            except TimeoutError:
                return "in time"
        return "late"

    async def main() -> None:
        task = await spawn(body())
        await sleep(1)
        task.cancel()
        assert await task == "in time" and await now() == 2

    run(main(), clock=VirtualClock())


def test_an_answer_under_way_is_delivered_and_the_expiry_forgotten_when_the_block_ends() -> None:
    async def main() -> None:
        event, seen = Event(), list[str]()

        async def body() -> None:
            async with timeout(1) as limit:
                await event.wait()
                seen.append("answered")
            assert limit.expired
            await sleep(1)
            seen.append("went on")

        # Due at the time of the timeout, and first since it was made first: the body is woken when the timeout fires.
        (await current_task()).kernel.timers.add(1, Setter(event))
        task = await spawn(body())
        await task
        assert seen == ["answered", "went on"] and task.cancelling() == 0

    run(main(), clock=VirtualClock())


def test_an_expiry_nobody_was_told_of_does_not_interrupt_what_follows_in_a_cancelled_task() -> None:
    async def main() -> None:
        event = Event()

        async def body() -> str:
            try:
                await sleep(9)
            except Cancelled:
                async with timeout(1):
                    await event.wait()
                await sleep(1)  # cleaning up, which nobody else has interrupted
            return "cleaned up"

        task = await spawn(body())
        await sleep(1)
        (await current_task()).kernel.timers.add(2, Setter(event))
        task.cancel()
        assert await task == "cleaned up"

    run(main(), clock=VirtualClock())


def test_an_error_of_the_block_goes_first() -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            async with timeout(1):
                try:
                    await sleep(9)
                finally:
                    raise ZeroDivisionError
        assert (await current_task()).cancelling() == 0
        await sleep(1)

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("deadline, error", [(math.nan, ValueError), ("1", TypeError), (1j, TypeError)])
def test_a_deadline_that_is_none_is_refused_and_the_limit_stays(deadline: Any, error: type[Exception]) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(1) as limit:
                with pytest.raises(error):
                    limit.reschedule(deadline)
                assert limit.deadline == 1
                await sleep(60)
        assert await now() == 1

    run(main(), clock=VirtualClock())
