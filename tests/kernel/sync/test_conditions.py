"""Conditions: who is notified, and that whoever goes on has the lock."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from kernel import Cancelled, Condition, Lock, RLock, call, checkpoint, run, sleep, spawn, timeout
from tests.support.coroutines import turns
from tests.support.foreign_tasks import Foreign, as_foreign
from tests.support.injection import Injection, cancel_at_every_suspension


def test_a_condition_notifies_so_many_in_order_who_run_with_the_lock() -> None:
    async def main() -> list[int]:
        condition, order = Condition(), list[int]()

        async def waiter(number: int) -> None:
            async with condition:
                await condition.wait()
                assert condition.lock.owner is tasks[number]
                order.append(number)

        tasks = [await spawn(waiter(number)) for number in range(5)]
        await turns(2)
        async with condition:
            condition.notify(2)
        await turns(9)
        assert order == [0, 1]
        async with condition:
            condition.notify_all()
            assert "<Lock held by task 1" in repr(tasks[2])
        for task in tasks:
            await task
        return order

    assert run(main()) == [0, 1, 2, 3, 4]


def test_a_condition_needs_its_lock_and_gives_back_all_of_an_rlock() -> None:
    async def main() -> None:
        lock = RLock()
        condition = Condition(lock)
        for misuse in (condition.notify, condition.notify_all):
            with pytest.raises(RuntimeError, match="nobody holds; acquire it first"):
                misuse()
        with pytest.raises(RuntimeError, match="cannot wait on the condition"):
            await condition.wait()
        ready = False

        async def waiter() -> int:
            async with condition, condition:
                assert await condition.wait_for(lambda: ready)
                assert lock.depth == 2
            return lock.depth

        task = await spawn(waiter())
        await turns(2)
        async with condition:  # free in spite of having been acquired twice
            condition.notify()
        await turns(5)
        assert not task.done()
        async with condition:
            ready = True
            condition.notify()
        assert await task == 1
        assert not lock.locked()

    run(main())


def test_a_condition_gets_its_lock_back_in_tasks_with_another_cancelled_type() -> None:
    async def main() -> None:
        condition, seen = Condition(), list[str]()

        async def waiter() -> None:
            async with condition:
                try:
                    await condition.wait()
                finally:
                    assert condition.lock.owner is task
                    seen.append("has it")

        task = await as_foreign(waiter())
        await turns(2)
        async with condition:
            task.cancel()
            await turns(3)
            assert seen == []
        with pytest.raises(Foreign.Stopped):
            await task
        assert seen == ["has it"] and not condition.locked()

    run(main())


def test_a_second_cancellation_does_not_cost_a_condition_its_lock() -> None:
    async def main() -> None:
        condition = Condition()

        async def waiter() -> None:
            async with condition:
                await condition.wait()

        task = await spawn(waiter())
        await checkpoint()
        async with condition:
            task.cancel()
            await turns(2)
            task.cancel()
            await turns(2)
        with pytest.raises(Cancelled):
            await task
        assert not condition.locked()

    run(main())


def test_a_notification_is_passed_on_by_a_waiter_that_is_cancelled() -> None:
    async def main() -> None:
        condition = Condition()

        async def waiter() -> None:
            async with condition:
                await condition.wait()

        first, second = await spawn(waiter()), await spawn(waiter())
        await turns(2)
        async with condition:
            condition.notify()
            first.cancel()
        await second
        assert first.cancelled()

    run(main())


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_no_cancellation_upsets_a_condition(seed: int | None) -> None:
    async def scenario(injection: Injection) -> None:
        condition, items, taken = Condition(), list[int](), list[int]()

        async def consumer() -> None:
            async with condition:
                await condition.wait_for(lambda: items)
                taken.append(items.pop())
                condition.notify()  # in case there is more

        async def producer() -> None:
            for number in range(2):
                async with condition:
                    items.append(number)
                    condition.notify()
                await checkpoint()

        consumers = [await spawn(consumer()) for _ in range(3)]
        injection.watch(*consumers)
        await (await spawn(producer()))
        async with timeout(1):
            # One of three may be cancelled: the other two get the two items, however that falls.
            while len(taken) < 2:
                await sleep(0.1)
        await sleep(1)  # whoever was notified in vain waits again
        assert sorted(taken) == [0, 1] and not condition.locked()

    assert cancel_at_every_suspension(scenario, seed=seed) > 5


def test_call_of_a_request_made_of_steps_reports_its_failure_in_the_caller() -> None:
    async def main() -> str:
        try:
            await call(asker())
        except RuntimeError as error:
            return str(error)
        return "no error"

    def asker() -> Generator[Any, Any, None]:
        yield Condition().wait()

    assert "cannot wait on the condition" in run(main())


@pytest.mark.parametrize("lock", [5, Lock, asyncio.Lock()])
def test_a_condition_takes_a_lock_of_the_library(lock: Any) -> None:
    with pytest.raises(TypeError, match="takes a Lock"):
        Condition(lock)


async def not_plain() -> bool:
    return False


@pytest.mark.parametrize("predicate", [True, not_plain])
def test_a_condition_waits_for_a_plain_function(predicate: Any) -> None:
    with pytest.raises(TypeError, match="plain function"):
        Condition().wait_for(predicate)


@pytest.mark.parametrize("number, error", [(1.5, TypeError), (-1, ValueError)])
def test_a_condition_notifies_so_many_tasks(number: Any, error: type[Exception]) -> None:
    async def main() -> None:
        async with (condition := Condition()):
            with pytest.raises(error, match="how many tasks"):
                condition.notify(number)

    run(main())


def test_a_conditions_request_to_wait_can_be_made_again() -> None:
    async def main() -> int:
        condition, rounds = Condition(), 0
        async with condition:
            request = condition.wait()
            for rounds in 1, 2:
                other = await spawn(notify(condition))
                await request
                await other
                assert condition.lock.owner is not None
        return rounds

    async def notify(condition: Condition) -> None:
        async with condition:
            condition.notify()

    assert run(main()) == 2
