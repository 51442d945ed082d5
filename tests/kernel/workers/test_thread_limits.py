"""How many of the program's functions are in threads at a time, and how the rest queue."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from kernel import Cancelled, TaskGroup, limit_threads, run, sleep, spawn
from tests.support.coroutines import until
from tests.support.gates import Gate, in_thread


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_holds_and_the_rest_queues_in_order(limit: int) -> None:
    gate, order = Gate(), list[int]()

    def number(n: int) -> None:
        order.append(n)
        gate()

    async def main() -> None:
        assert await limit_threads(limit) >= 5  # the default
        before = threading.active_count()
        async with TaskGroup() as group:
            for n in range(8):
                await group.spawn(in_thread(number, n))
            await until(lambda: gate.inside == limit)
            await sleep(0.02)
            assert gate.calls == limit and threading.active_count() - before <= limit
            gate.let_go.set()
        assert gate.most <= limit and sorted(order) == list(range(8))
        assert limit > 1 or order == list(range(8))

    run(main())
    with pytest.raises(ValueError):
        limit_threads(0)


def test_raising_the_limit_starts_those_that_wait() -> None:
    gate = Gate()

    async def main() -> None:
        await limit_threads(1)
        async with TaskGroup() as group:
            for _ in range(4):
                await group.spawn(in_thread(gate))
            await until(lambda: gate.inside == 1)
            assert await limit_threads(4) == 1
            await until(lambda: gate.inside == 4)
            gate.let_go.set()

    run(main())


def test_what_waits_for_a_thread_is_never_called_when_cancelled() -> None:
    gate, called = Gate(), list[str]()

    async def main() -> None:
        await limit_threads(1)
        first = await spawn(in_thread(gate))
        for abandon in True, False:
            second = await spawn(in_thread(called.append, "second", abandon=abandon))
            await until(lambda: gate.inside == 1)
            second.cancel()
            with pytest.raises(Cancelled):
                await second
        gate.let_go.set()
        await first

    run(main())
    assert called == []


@pytest.mark.parametrize("number, error", [
    (1.5, TypeError), (float("nan"), TypeError), ("3", TypeError), (0, ValueError),
])
def test_a_limit_that_is_no_number_of_threads_is_refused(number: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="limit_threads.. takes a number of threads"):
        limit_threads(number)
