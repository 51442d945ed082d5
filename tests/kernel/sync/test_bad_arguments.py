"""What locks and queues cannot work with is refused at the call."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kernel import Barrier, Condition, Lock, PriorityQueue, Queue, Semaphore, UniversalQueue, run


@pytest.mark.parametrize("make", [Semaphore, Queue, PriorityQueue, UniversalQueue, Barrier,
                                  lambda number: Semaphore(0, maximum=number)])
@pytest.mark.parametrize("number, error", [(1.5, TypeError), ("1", TypeError), (math.nan, TypeError), (-1, ValueError)])
def test_numbers_are_integers_and_not_negative(make: Callable[[Any], Any], number: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"not {number!r}"):
        make(number)


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


@pytest.mark.parametrize("limit, error", [("1", TypeError), (math.nan, ValueError)])
def test_a_threads_limit_is_a_number(limit: Any, error: type[Exception]) -> None:
    queue = UniversalQueue[int](1)
    with pytest.raises(error, match="get_from_thread"):
        queue.get_from_thread(limit)
    with pytest.raises(error, match="put_from_thread"):
        queue.put_from_thread(1, limit)
    assert queue.qsize() == 0


@pytest.mark.parametrize("limit", [math.inf, 1e300, None])
def test_a_threads_limit_can_be_as_good_as_none(limit: float | None) -> None:
    queue = UniversalQueue[int](1)
    threading.Timer(0.05, queue.put_nowait, [1]).start()
    assert queue.get_from_thread(limit) == 1
    queue.put_nowait(2)
    threading.Timer(0.05, queue.get_nowait).start()
    queue.put_from_thread(3, limit)
    assert queue.get_nowait() == 3
