"""Task groups, timeouts and shielded sections."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Cancelled, Deadlock, Event, Kernel, Lock, Shielded, Task, TaskGroup, Timeout, VirtualClock, checkpoint,
                    current_task, now, run, run_in_thread, shielded, sleep, spawn, timeout, timeout_at)
from tests.support.foreign_tasks import as_foreign
from tests.support.injection import Injection, RandomReady, cancel_at_every_suspension


async def after(seconds: float, value: Any = None) -> Any:
    await sleep(seconds)
    if isinstance(value, BaseException):
        raise value
    return value


async def cancel_after(seconds: float, task: Task[Any]) -> None:
    await sleep(seconds)
    task.cancel("from outside")


# timeouts


class Setter:
    """A timer that sets an event."""

    dead = False

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


# shielded sections


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


def test_a_thread_that_is_waited_for_delays_a_timeout_in_a_shielded_section() -> None:
    async def main() -> str:
        async with shielded():
            try:
                async with timeout(0.01):
                    await run_in_thread(blocker.acquire, abandon=False)
                    await sleep(60)
            except TimeoutError:
                return "timed out"
        return "not"

    blocker = threading.Lock()
    blocker.acquire()
    threading.Timer(0.1, blocker.release).start()
    assert run(main()) == "timed out"


# task groups


async def fail_when_cancelled() -> None:
    try:
        await sleep(9)
    finally:
        raise KeyError("k")


def test_a_group_waits_for_all_and_has_their_results_in_order() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            with pytest.raises(RuntimeError, match="before its block has ended"):
                group.results()
            for seconds in 3, 1, 2:
                assert isinstance(await group.spawn(after(seconds, seconds), name=f"after {seconds}"), Task)
        assert await now() == 3
        assert group.results() == [3, 1, 2]

    run(main(), clock=VirtualClock())


def test_a_failure_cancels_the_siblings_and_the_block() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                slow = await group.spawn(after(9))
                await group.spawn(after(1, ValueError("v")))
                await sleep(9)
        assert slow.cancelled() and await now() == 1
        assert [repr(error) for error in caught.value.exceptions] == ["ValueError('v')"]
        assert (await current_task()).cancelling() == 0
        await sleep(1)

    run(main(), clock=VirtualClock())


def test_several_failures_arrive_together() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                await group.spawn(fail_when_cancelled())
                await group.spawn(after(1, ValueError("v")))
                try:
                    await sleep(9)
                finally:
                    raise TypeError("t")
        assert [type(error) for error in caught.value.exceptions] == [ValueError, KeyError, TypeError]

    run(main(), clock=VirtualClock())


def test_a_failure_that_the_block_sees_itself_is_told_once() -> None:
    async def main() -> None:
        error = ValueError("v")
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                await (await group.spawn(after(1, error)))
        assert caught.value.exceptions == (error,)

    run(main(), clock=VirtualClock())


def test_siblings_that_wait_for_the_one_that_fails() -> None:
    async def wait_for(task: Task[Any]) -> None:
        try:
            await task
        except ValueError:
            await sleep(9)

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                failing = await group.spawn(after(1, ValueError()))
                for _ in range(3):
                    await group.spawn(wait_for(failing))
        assert len(caught.value.exceptions) == 1 and await now() == 1

    run(main(), clock=VirtualClock())


def test_a_task_cancelled_by_itself_is_no_failure() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            victim = await group.spawn(after(9))
            await group.spawn(after(2, "other"))
            await sleep(1)
            victim.cancel()
        assert await now() == 2
        with pytest.raises(RuntimeError, match="was cancelled and has no result"):
            group.results()

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("waiting", ["in the block", "at its end"])
@pytest.mark.parametrize("foreign", [False, True])
def test_cancelling_the_parent_cancels_the_group(waiting: str, foreign: bool) -> None:
    children = list[Task[Any]]()

    async def body() -> None:
        async with TaskGroup() as group:
            children.append(await group.spawn(after(9)))
            if waiting == "in the block":
                await sleep(9)

    async def main() -> None:
        children.clear()
        task: Task[Any] = await as_foreign(body()) if foreign else await spawn(body())
        await spawn(cancel_after(1, task))
        with pytest.raises(task.cancelled_type, match="from outside"):
            await task
        assert children[0].cancelled() and await now() == 1 and task.cancelled()

    run(main(), clock=VirtualClock())


def test_a_cancellation_of_the_parent_is_not_lost_when_failures_go_first() -> None:
    async def body() -> str:
        try:
            async with TaskGroup() as group:
                await group.spawn(fail_when_cancelled())
        except* KeyError:
            pass
        await sleep(1)
        return "lost"

    async def main() -> None:
        task = await spawn(body())
        await sleep(1)
        task.cancel("mine")
        with pytest.raises(Cancelled, match="mine"):
            await task
        assert task.cancelling() == 1

    run(main(), clock=VirtualClock())


def test_a_parent_cancelled_while_a_failed_group_ends() -> None:
    async def slow_end() -> None:
        try:
            await sleep(9)
        finally:
            await sleep(2)

    async def body() -> str:
        try:
            async with TaskGroup() as group:
                await group.spawn(slow_end())
                await group.spawn(after(1, ValueError()))
        except* ValueError:
            pass
        await sleep(1)
        return "lost"

    async def main() -> None:
        task = await spawn(body())
        await sleep(2)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert await now() == 3

    run(main(), clock=VirtualClock())


def test_a_timeout_around_a_group_ends_it() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(1), TaskGroup() as group:
                child = await group.spawn(after(9))
        assert child.cancelled() and await now() == 1

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("who", ["block", "child", "other"])
def test_cancelling_a_group_ends_it_quietly(who: str) -> None:
    async def cancel(group: TaskGroup) -> None:
        await sleep(1)
        group.cancel()
        group.cancel()
        await sleep(9)

    async def main() -> None:
        async with TaskGroup() as helpers:
            async with TaskGroup() as group:
                child = await group.spawn(after(9))
                if who == "child":
                    await group.spawn(cancel(group))
                if who == "other":
                    await helpers.spawn(cancel(group))
                if who == "block":
                    group.cancel()
                    late = await group.spawn(after(9))
                await sleep(9)
                raise AssertionError("cancelled before this")
            assert child.cancelled() and await now() == (0 if who == "block" else 1)
            assert who != "block" or late.cancelled()
            helpers.cancel()
        assert (await current_task()).cancelling() == 0
        group.cancel()  # over: nothing happens
        await sleep(1)

    run(main(), clock=VirtualClock())


def test_daemons_end_with_the_group_and_their_failures_count() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            daemon = await group.spawn(after(99), daemon=True)
            assert daemon.daemon
            await group.spawn(after(2, "work"))
        assert daemon.cancelled() and await now() == 2
        assert group.results() == ["work"]
        with pytest.raises(ExceptionGroup):
            async with TaskGroup() as group:
                await group.spawn(after(1, ValueError()), daemon=True)
                await group.spawn(after(9))
        assert await now() == 3

    run(main(), clock=VirtualClock())


def test_tasks_as_they_complete() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            for seconds in 3, 1, 2:
                await group.spawn(after(seconds, seconds))
            await group.spawn(after(99), daemon=True)
            await sleep(1.5)
            order = list[Any]()
            async for task in group.as_completed():
                order.append(task.result())
                if task.result() == 2:
                    await group.spawn(after(3, 5))
            assert order == [1, 2, 3, 5]
            assert [task.result() async for task in group.as_completed()] == order
        assert group.results() == [3, 1, 2, 5]

    run(main(), clock=VirtualClock())


def test_a_failure_while_waiting_for_completions_ends_the_group() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                await group.spawn(after(1, ValueError()))
                await group.spawn(after(9))
                async for task in group.as_completed():
                    task.result()
        assert len(caught.value.exceptions) == 1 and await now() == 1

    run(main(), clock=VirtualClock())


def test_a_group_that_is_not_open_takes_no_tasks() -> None:
    async def main() -> None:
        group = TaskGroup()
        with pytest.raises(RuntimeError, match="is not open; enter it by 'async with'"):
            await group.spawn(after(1))
        async with group:
            pass
        with pytest.raises(RuntimeError, match="is not open"):
            await group.spawn(after(1))
        with pytest.raises(RuntimeError, match="entered before"):
            async with group:
                pass
        with pytest.raises(TypeError, match="call it"):
            await group.spawn(main)  # type: ignore[arg-type]

    run(main(), clock=VirtualClock())


def test_generator_tasks_spawn_in_groups() -> None:
    def child() -> Generator[Any, Any, str]:
        yield sleep(1)
        return "generated"

    def spawner(group: TaskGroup) -> Generator[Any, Any, Any]:
        first = yield group.spawn(child())
        second = yield from group.spawn(child())
        return (yield first) + (yield second)

    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(spawner(group))
        assert group.results() == ["generated" * 2, "generated", "generated"]

    run(main(), clock=VirtualClock())


def test_the_wait_for_a_group_is_told_in_a_deadlock_report() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(stuck(), name="stuck")

    async def stuck() -> None:
        await Event().wait()

    with pytest.raises(Deadlock) as caught:
        run(main(), clock=VirtualClock())
    assert "is blocked on <TaskGroup of 1: task 2 'stuck'>.__aexit__()" in str(caught.value)
    assert __file__ in str(caught.value)


async def append_when_cancelled(ended: list[str]) -> None:
    try:
        await sleep(9)
    finally:
        ended.append("sibling")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_run_ends_it_from_a_group_too(error: type[BaseException]) -> None:
    ended = list[str]()

    async def main() -> None:
        try:
            async with TaskGroup() as group:
                await group.spawn(append_when_cancelled(ended))
                await group.spawn(after(1, error()))
        finally:
            ended.append("main")

    with pytest.raises(error):
        run(main(), clock=VirtualClock())
    assert ended == ["sibling", "main"]


def test_an_error_in_the_block_that_ends_the_run_ends_the_group_first() -> None:
    ended = list[str]()

    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(append_when_cancelled(ended))
            await sleep(1)
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        run(main(), clock=VirtualClock())
    assert ended == ["sibling"]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_no_cancellation_leaves_a_child_behind(seed: int | None) -> None:
    async def scenario(injection: Injection) -> None:
        children = list[Task[Any]]()
        lock = Lock()

        async def child(fail: bool) -> None:
            async with lock:
                await sleep(0.1)
            if fail:
                raise ValueError

        async def parent() -> None:
            try:
                async with timeout(5), TaskGroup() as group:
                    for number in range(3):
                        children.append(await group.spawn(child(number == 1)))
                    children.append(await group.spawn(after(99), daemon=True))
                    await checkpoint()
                    async for _ in group.as_completed():
                        pass
            except* ValueError:
                pass
            finally:
                assert all(task.done() for task in children)
            async with shielded():
                await sleep(0.1)
                try:
                    async with timeout(1):
                        await sleep(9)
                except TimeoutError:
                    children.clear()

        task = await spawn(parent())
        injection.watch(task)
        try:
            await task
        except Cancelled:
            assert injection.fired
        assert all(child.done() for child in children) and not lock.locked()
        assert task.cancelling() == (1 if task.cancelled() else task.cancelling())

    assert cancel_at_every_suspension(scenario, seed=seed) > 6


@pytest.mark.parametrize("seed", range(20))
def test_nested_scopes_at_random(seed: int) -> None:
    """Every scope ends by its own expiry or passes on what is not its own; no cancellation is lost or invented."""
    print("seed", seed)
    dice = random.Random(seed)

    async def nest(depth: int) -> None:
        if depth == 0:
            return await sleep(dice.choice((0, 1, 2, 5)))
        match dice.randrange(4):
            case 0:
                async with timeout(dice.choice((1, 2, 3))) as limit:
                    await nest(depth - 1)
            case 1:
                async with shielded():
                    await nest(depth - 1)
            case 2:
                async with TaskGroup() as group:
                    await group.spawn(nest(depth - 1))
                    await nest(depth - 1)
            case _:
                try:
                    async with timeout(dice.choice((1, 2, 3))) as limit:
                        await nest(depth - 1)
                except* TimeoutError:
                    assert limit.expired or depth > 1

    async def body() -> None:
        try:
            await nest(dice.randrange(1, 7))
        finally:
            me = await current_task()
            assert me.shields == 0

    async def main() -> None:
        for _ in range(20):
            task = await spawn(body())
            requests = dice.choice((0, 0, 1))
            if requests:
                await sleep(dice.choice((0, 1, 2, 3)))
                requests = int(task.cancel())
            try:
                await task
            except Cancelled:
                assert requests == 1, "nobody had cancelled it"
            except BaseExceptionGroup as group:
                assert group.split(TimeoutError)[1] is None
            except TimeoutError:
                pass
            assert task.cancelling() == requests
        await sleep(10)
        assert len((await current_task()).kernel.tasks) == 1

    run(main(), clock=VirtualClock(), ready=RandomReady(seed))
