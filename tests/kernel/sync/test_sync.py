"""Events, locks, semaphores, conditions and barriers."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import pytest
from tests.support.foreign_tasks import Foreign, as_foreign
from tests.support.injection import Injection, RandomReady, cancel_at_every_suspension

from kernel import (Barrier, BrokenBarrier, Cancelled, Condition, Deadlock, Event, Lock, RLock, Semaphore,
                    VirtualClock, call, checkpoint, run, sleep, spawn, timeout)

Steps = Generator[Any, Any, Any]


async def turns(number: int) -> None:
    for _ in range(number):
        await checkpoint()


def test_an_event_wakes_all_in_order_and_stays_set() -> None:
    async def main() -> list[int]:
        event, order = Event(), list[int]()

        async def waiter(number: int) -> None:
            await event.wait()
            order.append(number)

        tasks = [await spawn(waiter(number)) for number in range(5)]
        await turns(2)
        assert order == [] and not event.is_set()
        event.set()
        event.clear()  # those that were woken go on all the same
        for task in tasks:
            await task
        late = await spawn(waiter(9))
        await turns(3)
        assert not late.done()
        event.set()
        await late
        await event.wait()
        return order

    assert run(main()) == [0, 1, 2, 3, 4, 9]


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


def test_what_others_wait_for_is_told_in_a_deadlock_report() -> None:
    async def main(wait: Any) -> None:
        await wait

    async def on_condition() -> None:
        async with Condition() as _, timeout(None):
            pass
        condition = Condition()
        async with condition:
            await condition.wait()

    for code, text in ((main(Event().wait()), "<Event not set>.wait()"),
                       (main(Semaphore(0).acquire()), "<Semaphore with 0 left, 1 waiting>.acquire()"),
                       (main(Barrier(2).wait()), "<Barrier with 1 of 2 waiting>.wait()"),
                       (on_condition(), "<Condition of Lock held by nobody, 1 waiting>.wait()")):
        with pytest.raises(Deadlock) as caught:
            run(code)
        assert text in str(caught.value) and __file__ in str(caught.value)


def test_a_semaphore_counts_and_refuses_one_release_too_many() -> None:
    async def main() -> int:
        semaphore, inside, most = Semaphore(3, maximum=3), 0, 0

        async def user() -> None:
            nonlocal inside, most
            async with semaphore:
                inside += 1
                most = max(most, inside)
                await checkpoint()
                inside -= 1

        for task in [await spawn(user()) for _ in range(10)]:
            await task
        assert semaphore.value == 3
        with pytest.raises(ValueError, match="more often than acquired"):
            semaphore.release()
        return most

    assert run(main()) == 3
    with pytest.raises(ValueError):
        Semaphore(-1)
    with pytest.raises(ValueError):
        Semaphore(3, maximum=2)


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


def test_a_barrier_lets_its_parties_go_together_round_after_round() -> None:
    async def main() -> list[tuple[int, int]]:
        barrier, passed = Barrier(3), list[tuple[int, int]]()

        async def party() -> None:
            for round_number in range(2):
                passed.append((round_number, await barrier.wait()))

        for task in [await spawn(party()) for _ in range(3)]:
            await task
        return passed

    passed = run(main())
    assert sorted(passed) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [round_number for round_number, _ in passed] == [0, 0, 0, 1, 1, 1]


def test_a_barrier_can_be_broken_and_mended_and_a_cancelled_waiter_leaves() -> None:
    async def main() -> None:
        barrier = Barrier(2)

        async def party() -> int:
            return await barrier.wait()

        task = await spawn(party())
        await checkpoint()
        barrier.reset()
        with pytest.raises(BrokenBarrier, match="was reset"):
            await task
        task = await spawn(party())
        await checkpoint()
        barrier.abort()
        with pytest.raises(BrokenBarrier, match="was aborted"):
            await task
        with pytest.raises(BrokenBarrier, match="reset it first"):
            await barrier.wait()
        barrier.reset()
        gone = await spawn(party())
        await checkpoint()
        gone.cancel()
        pair = [await spawn(party()), await spawn(party())]
        assert [await task for task in pair] == [0, 1]

    run(main())
    with pytest.raises(ValueError):
        Barrier(0)


def test_generator_tasks_use_all_of_them_by_yield() -> None:
    def main() -> Steps:
        event, lock, semaphore, condition, barrier = Event(), Lock(), Semaphore(), Condition(), Barrier(2)

        def other() -> Steps:
            yield event.wait()
            yield from lock.acquire()
            lock.release()
            yield semaphore.acquire()
            semaphore.release()
            yield condition.acquire()
            condition.notify_all()
            condition.release()
            return (yield barrier.wait())

        task = yield spawn(other())
        event.set()
        yield from event.wait()
        for wait in (condition.wait(), condition.wait()):
            yield condition.acquire()
            second = yield spawn(notifier(condition))
            yield wait
            assert condition.lock.owner is not None
            condition.release()
            yield second
        yield condition.acquire()
        assert (yield condition.wait_for(lambda: "now")) == "now"
        condition.release()
        return (yield from barrier.wait()) + (yield task)

    def notifier(condition: Condition) -> Steps:
        yield condition.acquire()
        condition.notify()
        condition.release()

    assert run(main()) == 1


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


# Cancellation at every suspension: each scenario ends only if nothing is lost.


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


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_no_cancellation_upsets_an_event_or_a_barrier(seed: int | None) -> None:
    async def scenario(injection: Injection) -> None:
        event, barrier = Event(), Barrier(2)

        async def party() -> None:
            await event.wait()
            await barrier.wait()

        tasks = [await spawn(party()) for _ in range(4)]
        injection.watch(*tasks)
        await turns(2)
        event.set()
        await sleep(1)
        assert not event.waiters
        if len(barrier.waiters) == 1:
            assert any(task.cancelled() for task in tasks)
            await barrier.wait()
        await sleep(1)
        assert not barrier.waiters and all(task.done() for task in tasks)

    assert cancel_at_every_suspension(scenario, seed=seed) > 8


@pytest.mark.parametrize("seed", range(12))
def test_stress_in_random_order(seed: int) -> None:
    print("seed", seed)
    dice = random.Random(seed)

    async def main() -> None:
        lock, again, semaphore, condition = Lock(), RLock(), Semaphore(3), Condition()
        inside = {"lock": 0, "again": 0, "semaphore": 0, "condition": 0}
        stock = 0

        async def critical(name: str, most: int) -> None:
            inside[name] += 1
            assert inside[name] <= most
            try:
                await sleep(dice.choice((0, 0, 1)))
            finally:
                inside[name] -= 1

        async def user() -> None:
            nonlocal stock
            for _ in range(20):
                try:
                    async with timeout(dice.choice((0, 1, 3, 50))):
                        match dice.randrange(5):
                            case 0:
                                async with lock:
                                    await critical("lock", 1)
                            case 1:
                                async with again, again:
                                    await critical("again", 1)
                            case 2:
                                async with semaphore:
                                    await critical("semaphore", 3)
                            case 3:
                                async with condition:
                                    await condition.wait_for(lambda: stock > 0)
                                    stock -= 1
                                    await critical("condition", 1)
                            case _:
                                async with condition:
                                    stock += 1
                                    condition.notify()
                except TimeoutError:
                    pass

        tasks = [await spawn(user()) for _ in range(20)]
        for _ in range(10):
            await sleep(1)
            dice.choice(tasks).cancel()
        for task in tasks:
            try:
                await task
            except Cancelled:
                pass
        assert not (lock.locked() or again.locked() or condition.locked()) and semaphore.value == 3
        assert not (lock.waiters or again.waiters or semaphore.waiters or condition.waiters) and stock >= 0

    run(main(), ready=RandomReady(seed), clock=VirtualClock())


def test_call_of_a_request_made_of_steps_reports_its_failure_in_the_caller() -> None:
    async def main() -> str:
        try:
            await call(asker())
        except RuntimeError as error:
            return str(error)
        return "no error"

    def asker() -> Steps:
        yield Condition().wait()

    assert "cannot wait on the condition" in run(main())
