"""Requests of queues, groups and scopes that are made a second time: refused where they carry something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kernel import (Barrier, Condition, Event, Lock, Queue, Semaphore, TaskGroup, UniversalQueue, checkpoint, run,
                    shielded, spawn, timeout)


@pytest.mark.parametrize("make", [lambda queue: queue.put(2), lambda queue: queue.get()], ids=["put", "get"])
def test_a_request_of_a_universal_queue_is_made_once(make: Callable[[UniversalQueue[int]], Any]) -> None:
    async def main() -> None:
        queue = UniversalQueue[int]()
        queue.put_nowait(1)
        request = make(queue)
        await request
        size = queue.qsize()
        with pytest.raises(RuntimeError, match="task 1 .*main' made the request .* made before"):
            await request
        assert queue.qsize() == size

    run(main())


def test_two_tasks_cannot_wait_by_one_request_of_a_universal_queue() -> None:
    async def main() -> None:
        queue = UniversalQueue[int]()
        request = queue.get()
        first, second = [await spawn(wait(request)) for _ in range(2)]
        await checkpoint()
        with pytest.raises(RuntimeError, match="made before"):
            await second
        await queue.put(1)
        assert await first == 1

    async def wait(request: Any) -> Any:
        return await request

    run(main())


def test_a_groups_request_to_spawn_is_made_once() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            request = group.spawn(child())
            task = await request
            with pytest.raises(RuntimeError, match="task 1 .*main' made the request <TaskGroup.*>.spawn.* made before"):
                await request
        assert group.results() == [1] and task.result() == 1

    async def child() -> int:
        return 1

    run(main())


@pytest.mark.parametrize("make", [lambda: timeout(1), shielded, TaskGroup])
@pytest.mark.parametrize("when", ["inside", "afterwards", "in another task"])
def test_a_scope_is_entered_once(make: Callable[[], Any], when: str) -> None:
    async def enter(scope: Any) -> None:
        with pytest.raises(RuntimeError, match="enter"):
            async with scope:
                pass

    async def main() -> None:
        scope = make()
        async with scope:
            if when == "inside":
                await enter(scope)
            elif when == "in another task":
                await (await spawn(enter(scope)))
            await checkpoint()
        if when == "afterwards":
            await enter(scope)

    run(main())


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


def test_a_put_is_made_once() -> None:
    async def main() -> None:
        queue = Queue[int]()
        request = queue.put(1)
        await request
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await request
        assert queue.qsize() == 1

    run(main())
