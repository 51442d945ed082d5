"""With the garbage collector off, locks, queues and scopes leave nothing that only it could free."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kernel import (Barrier, Cancelled, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue, RLock, Semaphore,
                    UniversalQueue, checkpoint, run, shielded, spawn, timeout)

TIMES = 50


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
    locks_made, queues_made, locks_used, queues_used, timeout_expired_by_name, timeout_in_a_shielded_section_by_name,
    entered_twice, condition_cancelled_and_caught])
def test_nothing_is_left_to_the_collector(operation: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> Counter[str]:
        for _ in range(3):  # for what is made once
            await operation()
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for _ in range(TIMES):
                await operation()
            gc.collect()
            return Counter(type(one).__qualname__ for one in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    left = run(main())
    assert left.total() < TIMES, left
