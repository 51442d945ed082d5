"""Locks, queues and scopes leave nothing that only the garbage collector could free."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kernel import (Barrier, BrokenBarrier, Cancelled, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue,
                    QueueClosed, RLock, Semaphore, TaskGroup, UniversalQueue, checkpoint, run, shielded, sleep, spawn,
                    timeout)
from tests.support.collector import TIMES, left_by
from tests.support.coroutines import sleeper


async def nothing() -> None:
    pass


async def locks_made() -> None:
    Event(), Lock(), RLock(), Semaphore(), Condition(), Condition(RLock()), Barrier(2)


async def queues_made() -> None:
    Queue[int](), PriorityQueue[int](), LifoQueue[int](), UniversalQueue[int]()


async def locks_used() -> None:
    event, lock, semaphore, barrier, condition = Event(), RLock(), Semaphore(), Barrier(1), Condition()
    event.set()
    await event.wait()
    await barrier.wait()
    async with lock, lock, semaphore, condition:
        pass


async def queues_used() -> None:
    for queue in Queue[int](1), PriorityQueue[int](1), LifoQueue[int](1):
        await queue.put(1)
        putter = await spawn(queue.put(2))
        await checkpoint()
        for _ in range(2):
            await queue.get()
            queue.task_done()
        await queue.join()
        await putter
        queue.close()
        async for _ in queue:
            pass


async def closed_under_a_getter() -> None:
    async def get(queue: UniversalQueue[int] | Queue[int]) -> None:
        try:
            await queue.get()
        except QueueClosed:
            pass

    for queue in UniversalQueue[int](), Queue[int]():
        task = await spawn(get(queue))
        await checkpoint()
        queue.close()
        await task


async def closed_under_a_thread() -> None:
    def get(queue: UniversalQueue[int]) -> None:
        try:
            queue.get_from_thread()
        except QueueClosed:
            pass

    queue = UniversalQueue[int]()
    thread = threading.Thread(target=get, args=(queue,))
    thread.start()
    while not queue._getters:
        await checkpoint()
    queue.close()
    thread.join()


async def group_ended() -> None:
    async with TaskGroup() as group:
        await group.spawn(nothing())
        await group.spawn(sleeper(), daemon=True)
        async for _ in group.as_completed():
            pass
    group.results()


async def group_cancelled() -> None:
    async with TaskGroup() as group:
        await group.spawn(sleeper())
        await checkpoint()
        group.cancel()


async def group_failed_by_a_child_that_knows_it() -> None:
    try:
        async with TaskGroup() as group:
            async def child() -> None:
                await checkpoint()
                raise ValueError(group.is_open)

            await group.spawn(child())
            await sleep(3600)
    except* ValueError:
        pass


async def timeout_expired_by_name() -> None:
    try:
        async with timeout(0) as limit:
            await checkpoint()
            await checkpoint()
    except TimeoutError:
        assert limit.expired


async def timeout_in_a_shielded_section_by_name() -> None:
    try:
        async with shielded() as section, timeout(0) as limit:
            await checkpoint()
            await checkpoint()
    except TimeoutError:
        assert section and limit.expired


async def entered_twice() -> None:
    async with shielded() as section, timeout(1) as limit:
        for scope in section, limit:
            try:
                async with scope:
                    pass
            except RuntimeError:
                pass


async def refused_by_a_priority_queue() -> None:
    async def get() -> None:
        await checkpoint()
        await queue.get()

    queue = PriorityQueue[Any](2)
    queue.put_nowait(1)
    queue.put_nowait(2)
    getter = await spawn(get())
    try:
        await (await spawn(queue.put("x")))
    except TypeError:
        pass
    await getter


async def refused_and_ended_by_it() -> None:
    async def get_from_closed() -> None:
        queue = Queue[int]()
        queue.close()
        await queue.get()

    async def put_to_closed() -> None:
        queue = UniversalQueue[int]()
        queue.close()
        await queue.put(1)

    async def wait_at_broken() -> None:
        barrier = Barrier(2)
        barrier.abort()
        await barrier.wait()

    async def spawn_in_closed() -> None:
        await TaskGroup().spawn(nothing())

    async def enter_twice() -> None:
        async with timeout(1) as limit, limit:
            pass

    for refused in get_from_closed, put_to_closed, wait_at_broken, spawn_in_closed, enter_twice:
        try:
            await (await spawn(refused()))
        except (QueueClosed, BrokenBarrier, RuntimeError):
            pass


async def condition_cancelled_and_caught() -> None:
    async def wait() -> None:
        try:
            async with condition:
                await condition.wait()
        except Cancelled:
            pass

    condition = Condition()
    waiter = await spawn(wait())
    await checkpoint()
    waiter.cancel()
    await waiter


@pytest.mark.parametrize("operation", [
    locks_made, queues_made, locks_used, queues_used, closed_under_a_getter, closed_under_a_thread,
    group_ended, group_cancelled, group_failed_by_a_child_that_knows_it, timeout_expired_by_name,
    timeout_in_a_shielded_section_by_name, entered_twice, refused_by_a_priority_queue, refused_and_ended_by_it,
    condition_cancelled_and_caught])
def test_nothing_is_left_to_the_collector(operation: Callable[[], Coroutine[Any, Any, None]]) -> None:
    left = run(left_by(operation))
    assert left.total() < TIMES, left
