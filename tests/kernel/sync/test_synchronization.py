"""Events, locks, semaphores, conditions and barriers together: what all of them do alike."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Barrier, Cancelled, Condition, Deadlock, Event, Lock, Queue, RLock, Semaphore, VirtualClock, run,
                    sleep, spawn, timeout)
from tests.support.ready_queues import RandomReady

Steps = Generator[Any, Any, Any]


def test_what_tasks_wait_for_is_told_in_a_deadlock_report() -> None:
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


def test_requests_that_carry_nothing_are_made_again_and_again() -> None:
    async def main() -> None:
        event, lock, semaphore, barrier, queue = Event(), Lock(), Semaphore(), Barrier(1), Queue[int]()
        event.set()
        wait, acquire, take, meet, get = event.wait(), lock.acquire(), semaphore.acquire(), barrier.wait(), queue.get()
        for number in range(3):
            await wait
            await acquire
            lock.release()
            await take
            semaphore.release()
            assert await meet == 0
            queue.put_nowait(number)
            assert await get == number

    run(main())
