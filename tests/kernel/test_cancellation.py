"""Cancellation: where it reaches a task, which message it carries, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Syscall, Task, VirtualClock, Waitable, cancel, checkpoint, current_task, now,
                    run, sleep, spawn)
from tests.support.coroutines import sleeper

Gen = Generator[Any, Any, Any]


def test_a_cancelled_task_has_cancelled_for_its_exception() -> None:
    async def main() -> None:
        task = await spawn(sleeper())
        await checkpoint()
        assert task.cancel("enough") is True
        assert not task.done() and not task.cancelled()
        with pytest.raises(Cancelled, match="enough"):
            await task
        assert task.done() and task.cancelled() and isinstance(task.exception(), Cancelled)
        with pytest.raises(Cancelled, match="enough"):
            task.result()
        assert task.cancel() is False

    run(main(), clock=VirtualClock())


def test_cancelled_passes_an_except_for_exception() -> None:
    assert not issubclass(Cancelled, Exception)


def test_the_message_is_what_cancelled_carries() -> None:
    async def main() -> None:
        for msg, args in [(None, ()), ("text", ("text",)), (42, (42,))]:
            task = await spawn(sleeper())
            await checkpoint()
            await cancel(task, msg)
            with pytest.raises(Cancelled) as caught:
                await task
            assert caught.value.args == args

    run(main(), clock=VirtualClock())


def test_a_task_cancelled_before_it_starts_never_starts() -> None:
    started: list[str] = []

    async def coroutine() -> None:
        started.append("coroutine")

    def generator() -> Gen:
        started.append("generator")
        yield

    async def main() -> None:
        tasks: list[Task[Any]] = [await spawn(coroutine()), await spawn(generator())]
        for task in tasks:
            assert task.cancel()
        for task in tasks:
            with pytest.raises(Cancelled):
                await task
            assert task.cancelled()

    run(main())
    assert started == []


def test_cancelling_is_edge_triggered() -> None:
    caught: list[str] = []

    async def stubborn() -> str:
        try:
            await sleep(1000)
        except Cancelled as error:
            caught.append(str(error))
        await sleep(5)  # not disturbed by a cancellation that has been delivered
        return "finished"

    async def main() -> None:
        task = await spawn(stubborn())
        await checkpoint()
        task.cancel("once")
        assert await task == "finished"
        assert not task.cancelled() and task.cancelling() == 1
        assert await now() == 5.0

    run(main(), clock=VirtualClock())
    assert caught == ["once"]


def test_every_delivered_cancellation_can_be_swallowed() -> None:
    async def stubborn() -> int:
        swallowed = 0
        while swallowed < 10:
            try:
                await sleep(1000)
            except Cancelled:
                swallowed += 1
        return swallowed

    async def main() -> None:
        task = await spawn(stubborn())
        for _ in range(10):
            await checkpoint()
            assert task.state == "blocked"
            task.cancel()
        assert await task == 10 and task.cancelling() == 10

    run(main(), clock=VirtualClock())


def test_requests_before_the_delivery_share_one_exception() -> None:
    caught: list[str] = []

    async def body() -> None:
        for _ in range(2):
            try:
                await sleep(10)
            except Cancelled as error:
                caught.append(str(error))

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel("first")
        task.cancel("second")
        assert task.cancelling() == 2
        await task
        assert await now() == 10.0

    run(main(), clock=VirtualClock())
    assert len(caught) == 1


def test_a_task_that_cancels_itself_goes_on_to_where_it_suspends_next() -> None:
    trace: list[str] = []

    async def body() -> None:
        (await current_task()).cancel("by myself")
        trace.append("still running")
        assert (await current_task()).state == "running"  # answered at once: not a suspension
        try:
            await sleep(10)
        except Cancelled as error:
            trace.append(str(error))
            raise

    async def main() -> None:
        task = await spawn(body())
        with pytest.raises(Cancelled):
            await task
        assert await now() == 0.0

    run(main(), clock=VirtualClock())
    assert trace == ["still running", "by myself"]


@pytest.mark.parametrize("suspend", ["sleep", "checkpoint", "bare yield", "wait"])
def test_a_cancellation_from_the_task_itself_is_delivered_at_any_suspension(suspend: str) -> None:
    async def never() -> None:
        await Waitable()

    def body(other: Task[Any]) -> Gen:
        me = yield current_task()
        me.cancel()
        requests = {"sleep": sleep(10), "checkpoint": checkpoint(), "bare yield": None, "wait": other}
        try:
            yield requests[suspend]
        except Cancelled:
            yield sleep(1)  # the first wait is over: nothing of it is left to wake the task
            return "cancelled"
        return "not cancelled"

    async def main() -> None:
        other = await spawn(never(), daemon=True)
        await checkpoint()
        task: Task[Any] = await spawn(body(other))
        assert await task == "cancelled"
        assert await now() == 1.0

    run(main(), clock=VirtualClock())


def test_a_task_that_ends_before_it_suspends_again_was_not_cancelled() -> None:
    async def body() -> str:
        (await current_task()).cancel()
        return "value"

    async def main() -> None:
        task = await spawn(body())
        assert await task == "value" and not task.cancelled() and task.cancelling() == 1

    run(main())


def test_a_task_cancelled_while_it_is_ready_again_gets_it_there() -> None:
    trace: list[str] = []

    async def body() -> None:
        try:
            await checkpoint()
            trace.append("went on")
        except Cancelled:
            trace.append("cancelled at the checkpoint")

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        await task

    run(main())
    assert trace == ["cancelled at the checkpoint"]


@pytest.mark.parametrize("outcome", ["value", "error"])
def test_a_task_that_was_woken_keeps_its_answer_and_is_cancelled_at_its_next_suspension(outcome: str) -> None:
    trace: list[str] = []

    async def body(mailbox: Waitable[str]) -> None:
        try:
            trace.append(await mailbox)
        except LookupError as error:
            trace.append(str(error))
        await sleep(10)
        trace.append("not reached")

    async def main() -> None:
        mailbox: Waitable[str] = Waitable()
        task = await spawn(body(mailbox))
        await checkpoint()
        if outcome == "value":
            mailbox.complete("value")
        else:
            mailbox.fail(LookupError("error"))
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert await now() == 0.0

    run(main(), clock=VirtualClock())
    assert trace == [outcome]


def test_a_sleeper_whose_time_has_come_is_cancelled_at_its_next_suspension() -> None:
    trace: list[str] = []

    async def body() -> None:
        await sleep(5)
        trace.append("slept")
        await checkpoint()
        trace.append("not reached")

    async def main() -> None:
        task: Task[None]

        async def canceller() -> None:
            await sleep(5)  # begun first, so woken first: the other is woken too, and has not run
            task.cancel()

        await spawn(canceller())
        task = await spawn(body())
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())
    assert trace == ["slept"]


def test_cancelling_who_waits_leaves_alone_what_it_waits_for() -> None:
    async def waiter(task: Task[str]) -> str:
        return await task

    async def main() -> None:
        task = await spawn(sleeper(5))
        first, second = await spawn(waiter(task)), await spawn(waiter(task))
        await checkpoint()
        first.cancel()
        with pytest.raises(Cancelled):
            await first
        assert await second == "slept" == await task

    run(main(), clock=VirtualClock())


def test_who_waits_for_a_cancelled_task_may_catch_it_and_go_on() -> None:
    async def main() -> str:
        task = await spawn(sleeper())
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        me = await current_task()
        assert me.cancelling() == 0  # it was the other that was cancelled
        await sleep(1)
        return "went on"

    assert run(main(), clock=VirtualClock()) == "went on"


def test_an_exception_raised_while_being_cancelled_is_the_result() -> None:
    async def body() -> None:
        try:
            await sleep(1000)
        finally:
            raise LookupError("in cleanup")

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        with pytest.raises(LookupError, match="in cleanup"):
            await task
        assert not task.cancelled()

    run(main(), clock=VirtualClock())


def test_cleaning_up_may_take_its_time() -> None:
    trace: list[float] = []

    async def body() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(3)
            trace.append(await now())

    async def main() -> None:
        task = await spawn(body())
        await sleep(1)
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())
    assert trace == [4.0]


def test_a_cancelled_request_is_told_to_abort_exactly_once() -> None:
    class Counted(Syscall[None]):
        aborts = 0

        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            return False

        def abort(self, kernel: Kernel, task: Task[Any]) -> None:
            self.aborts += 1

    request = Counted()

    async def body() -> None:
        await request

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    run(main())
    assert request.aborts == 1


def test_a_cancelled_task_raises_the_message_of_its_cancellation_in_everyone() -> None:
    async def main() -> None:
        task = await spawn(sleeper())
        await checkpoint()
        task.cancel("enough")
        for _ in range(2):
            with pytest.raises(Cancelled, match="^enough$"):
                await task
        with pytest.raises(Cancelled, match="^enough$"):
            task.result()
        assert str(task.exception()) == "enough" and task.cancelled()

    run(main())
