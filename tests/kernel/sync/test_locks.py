"""Locks of every kind: one at a time, first come, first served, and no cancellation takes one along."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Cancelled, Condition, Deadlock, Event, Lock, RLock, Semaphore, checkpoint, run, spawn, timeout
from tests.support.coroutines import turns
from tests.support.injection import Injection, cancel_at_every_suspension


@pytest.mark.parametrize("make", [Lock, RLock, Semaphore, Condition])
def test_they_exclude_and_are_first_come_first_served(make: type[Lock]) -> None:
    async def main() -> list[int]:
        lock, order, inside = make(), list[int](), 0

        async def user(number: int) -> None:
            nonlocal inside
            for _ in range(3):
                async with lock:
                    inside += 1
                    assert inside == 1
                    order.append(number)
                    await checkpoint()
                    inside -= 1

        for task in [await spawn(user(number)) for number in range(4)]:
            await task
        assert not lock.locked()
        return order

    assert run(main()) == [0, 1, 2, 3] * 3


@pytest.mark.parametrize("make", [Lock, RLock, Semaphore, Condition])
def test_nobody_slips_in_between_release_and_the_first_that_waits(make: type[Lock]) -> None:
    async def main() -> list[str]:
        lock, order = make(), list[str]()
        await lock.acquire()

        async def waiter() -> None:
            async with lock:
                order.append("waiter")

        task = await spawn(waiter())
        await turns(2)
        lock.release()
        async with lock:
            order.append("main")
        await task
        return order

    assert run(main()) == ["waiter", "main"]


@pytest.mark.parametrize("make", [Lock, RLock, Condition])
def test_releasing_what_another_holds_names_the_owner(make: type[Lock]) -> None:
    async def main() -> None:
        lock, leave = make(), Event()

        async def holder() -> None:
            async with lock:
                await leave.wait()

        task = await spawn(holder(), name="the holder")
        await checkpoint()
        with pytest.raises(RuntimeError, match=r"task 1 'main' cannot release .* held by task 2 'the holder'"):
            lock.release()
        leave.set()
        await task
        with pytest.raises(RuntimeError, match="cannot release .*nobody"):
            lock.release()

    main.__qualname__ = "main"
    run(main())


def test_a_lock_acquired_twice_is_a_deadlock_and_an_rlock_is_not() -> None:
    async def main() -> None:
        lock, again = Lock(), RLock()
        async with lock:
            with pytest.raises(Deadlock, match=r"would wait for itself(.|\n)*Lock held by task 1"):
                await lock.acquire()
        assert not lock.locked()
        async with again, again:
            await again.acquire()
            again.release()
            other = await spawn(hold(again))
            await turns(3)
            assert not other.done()
        await other
        assert not again.locked()

    async def hold(lock: RLock) -> None:
        async with lock, lock:
            await checkpoint()

    run(main())


def test_a_deadlock_report_names_the_owners_of_locks() -> None:
    async def main() -> None:
        first, second = Lock(), Lock()

        async def user(one: Lock, other: Lock) -> None:
            async with one:
                await checkpoint()
                async with other:
                    pass

        a = await spawn(user(first, second), name="a")
        await spawn(user(second, first), name="b")
        await a

    with pytest.raises(Deadlock) as caught:
        run(main())
    report = str(caught.value)
    assert "task 2 'a' is blocked on <Lock held by task 3 'b'>.acquire()" in report
    assert "task 3 'b' is blocked on <Lock held by task 2 'a'>.acquire()" in report
    assert __file__ in report


def test_a_deadlock_report_says_that_the_owner_has_ended() -> None:
    async def main() -> None:
        lock = Lock()

        async def forgetful() -> None:
            await lock.acquire()

        await (await spawn(forgetful(), name="forgetful"))
        await lock.acquire()

    with pytest.raises(Deadlock, match="<Lock held by task 2 'forgetful', which has ended>.acquire"):
        run(main())


async def many_users(injection: Injection, lock: Any) -> None:
    async def user() -> None:
        for _ in range(2):
            async with lock:
                await checkpoint()

    tasks = [await spawn(user()) for _ in range(3)]
    injection.watch(*tasks)
    for task in tasks:
        try:
            await task
        except Cancelled:
            assert task.cancelled()
    async with timeout(1):
        async with lock:  # free for all
            pass


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("make", [Lock, RLock, Semaphore, Condition])
def test_no_cancellation_takes_a_lock_along(make: type[Lock], seed: int | None) -> None:
    async def scenario(injection: Injection) -> None:
        lock = make()
        await many_users(injection, lock)
        assert not lock.locked()
        assert not isinstance(lock, Semaphore) or lock.value == 1

    assert cancel_at_every_suspension(scenario, seed=seed) > 12
