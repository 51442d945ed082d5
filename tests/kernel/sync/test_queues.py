"""Queues between the tasks of one kernel, and what universal queues do like them."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Any

import pytest

from kernel import (Cancelled, Deadlock, LifoQueue, PriorityQueue, Queue, QueueClosed, QueueEmpty, QueueFull, TaskGroup,
                    UniversalQueue, VirtualClock, checkpoint, run, sleep, spawn, timeout)
from tests.support.coroutines import turns
from tests.support.injection import Injection, cancel_at_every_suspension
from tests.support.ready_queues import RandomReady

KINDS = [Queue, PriorityQueue, LifoQueue]


@pytest.mark.parametrize("kind, expected", [(Queue, [2, 3, 1]), (PriorityQueue, [1, 2, 3]), (LifoQueue, [1, 3, 2])])
def test_the_order_of_items(kind: type[Queue[int]], expected: list[int]) -> None:
    async def main() -> list[int]:
        queue = kind()
        for item in 2, 3, 1:
            await queue.put(item)
        assert queue.qsize() == 3 and not queue.empty() and not queue.full()
        return [await queue.get() for _ in range(3)]

    assert run(main()) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_queue_blocks_and_an_empty_one_does(kind: type[Queue[int]]) -> None:
    async def main() -> None:
        queue, log = kind(2), list[str]()

        async def producer() -> None:
            for item in range(4):
                await queue.put(item)
                log.append(f"put {item}")

        task = await spawn(producer())
        await turns(3)
        assert log == ["put 0", "put 1"] and queue.full()
        with pytest.raises(QueueFull):
            queue.put_nowait(9)
        await queue.get()
        await turns(2)
        assert log[-1] == "put 2"
        for _ in range(3):
            await queue.get()
        await task
        assert queue.empty()
        with pytest.raises(QueueEmpty):
            queue.get_nowait()
        getter = await spawn(get(queue))
        await turns(2)
        assert not getter.done()
        queue.put_nowait(7)
        assert await getter == 7

    async def get(queue: Queue[int]) -> int:
        return await queue.get()

    run(main())
    with pytest.raises(ValueError):
        kind(-1)


def test_who_waits_is_served_in_order_at_both_ends() -> None:
    async def main() -> None:
        queue, got = Queue[int](1), list[tuple[int, int]]()

        async def getter(number: int) -> None:
            got.append((number, await queue.get()))

        async def putter(number: int) -> None:
            await queue.put(number)

        for number in range(3):
            await spawn(getter(number))
        await turns(2)
        for number in range(3):
            queue.put_nowait(number)
        await turns(2)
        assert got == [(0, 0), (1, 1), (2, 2)]
        for number in range(4):
            await spawn(putter(number))
        await turns(2)
        with pytest.raises(QueueFull):  # nobody overtakes those who wait
            queue.put_nowait(9)
        assert [await queue.get() for _ in range(4)] == [0, 1, 2, 3]

    run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_closing_ends_the_receivers_when_all_has_been_got(kind: type[Queue[int]]) -> None:
    async def main() -> None:
        queue, received = kind(), list[int]()

        async def receiver() -> None:
            async for item in queue:
                received.append(item)

        tasks = [await spawn(receiver()) for _ in range(3)]
        for item in range(5):
            await queue.put(item)
            await checkpoint()
        await queue.put(5)
        queue.close()
        queue.close()
        for task in tasks:
            await task
        assert sorted(received) == list(range(6)) and queue.closed
        with pytest.raises(QueueClosed, match="closed has nothing more to get"):
            await queue.get()
        with pytest.raises(QueueClosed):
            queue.get_nowait()
        with pytest.raises(QueueClosed, match="takes nothing more"):
            await queue.put(1)
        with pytest.raises(QueueClosed):
            queue.put_nowait(1)

    run(main())


def test_closing_tells_who_waits() -> None:
    async def main() -> None:
        empty, full = Queue[int](), Queue[int](1)
        await full.put(1)
        getter, putter = await spawn(get(empty)), await spawn(put(full))
        await turns(2)
        empty.close()
        full.close()
        with pytest.raises(QueueClosed):
            await getter
        with pytest.raises(QueueClosed):
            await putter
        assert await full.get() == 1  # what is in it can still be got
        with pytest.raises(QueueClosed):
            await full.get()

    async def get(queue: Queue[int]) -> int:
        return await queue.get()

    async def put(queue: Queue[int]) -> None:
        await queue.put(2)

    run(main())


def test_join_waits_until_all_items_are_done() -> None:
    async def main() -> None:
        queue = Queue[int](2)
        await queue.join()

        async def worker() -> None:
            async for _ in queue:
                await sleep(1)
                queue.task_done()

        async with TaskGroup() as group, timeout(100):
            await group.spawn(worker())
            joiners = list[Any]()
            for item in range(5):
                await queue.put(item)
            joiners = [await group.spawn(join(queue)) for _ in range(2)]
            await sleep(1)
            assert not any(joiner.done() for joiner in joiners)
            await queue.join()
            assert queue.unfinished == 0
            queue.close()
        with pytest.raises(ValueError, match="more often than items were put"):
            queue.task_done()

    async def join(queue: Queue[int]) -> None:
        await queue.join()

    run(main(), clock=VirtualClock())


def test_generator_tasks_use_queues_by_yield() -> None:
    def producer(queue: Queue[int]) -> Generator[Any, Any, None]:
        for item in range(3):
            yield queue.put(item)
        yield queue.put(3)
        yield queue.join()

    def main() -> Generator[Any, Any, list[int]]:
        queue = Queue[int](1)
        task = yield spawn(producer(queue))
        items = [(yield queue.get()), (yield from queue.get()), (yield queue.get()), (yield queue.get())]
        for _ in items:
            queue.task_done()
        yield task
        return items

    assert run(main()) == [0, 1, 2, 3]


@pytest.mark.parametrize("end, text", [("get", "<Queue with 0 of 1 items>.get()"),
                                       ("put", "<Queue with 1 of 1 items>.put(...)"),
                                       ("join", "<Queue with 1 of 1 items, 1 not done>.join()")])
def test_a_deadlock_report_tells_of_queues(end: str, text: str) -> None:
    async def main() -> None:
        queue = Queue[int](1)
        if end != "get":
            queue.put_nowait(1)
        await (queue.put(2) if end == "put" else queue.get() if end == "get" else queue.join())

    with pytest.raises(Deadlock) as caught:
        run(main())
    assert text in str(caught.value) and __file__ in str(caught.value)


async def transfer(injection: Injection, make: Callable[[], Any]) -> None:
    """Two producers and two consumers, some of which are cancelled: what was put for certain is got exactly once."""
    queue, put, got = make(), list[int](), list[int]()

    async def producer(items: range) -> None:
        for item in items:
            await queue.put(item)
            put.append(item)

    async def consumer() -> None:
        while True:
            got.append(await queue.get())

    tasks = [await spawn(code) for code in (producer(range(3)), consumer(), producer(range(3, 6)), consumer())]
    injection.watch(*tasks)
    for task in tasks[0], tasks[2]:
        try:
            await task
        except Cancelled:
            assert injection.fired
    await sleep(1)  # the consumer that is left has got the rest
    assert queue.qsize() == 0
    assert sorted(put) == sorted(got) and len(set(got)) == len(got)
    await (await spawn(producer(range(6, 7))))  # the queue still works
    await sleep(1)
    assert sorted(put) == sorted(got)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("kind", [*KINDS, UniversalQueue])
def test_no_cancellation_loses_or_doubles_an_item(kind: type[Queue[int]], seed: int | None) -> None:
    async def scenario(injection: Injection) -> None:
        await transfer(injection, lambda: kind(1))

    assert cancel_at_every_suspension(scenario, seed=seed) > 8


def test_no_cancellation_upsets_a_join() -> None:
    async def scenario(injection: Injection) -> None:
        queue = Queue[int]()
        await queue.put(1)
        joiners = [await spawn(join(queue)) for _ in range(2)]
        injection.watch(*joiners)
        await turns(2)
        queue.task_done()
        await sleep(1)
        assert all(task.done() for task in joiners)

    async def join(queue: Queue[int]) -> None:
        await queue.join()

    assert cancel_at_every_suspension(scenario) == 4


@pytest.mark.parametrize("kind", [*KINDS, UniversalQueue])
@pytest.mark.parametrize("seed", range(6))
def test_stress_in_random_order(kind: type[Queue[int]], seed: int) -> None:
    print("seed", seed)
    dice = random.Random(seed)

    async def main() -> None:
        queue, put, got = kind(dice.choice((0, 1, 3))), list[int](), list[int]()
        numbers = iter(range(10_000))

        async def producer() -> None:
            for _ in range(30):
                number = next(numbers)
                try:
                    async with timeout(dice.choice((0, 1, 9))):
                        await queue.put(number)
                        put.append(number)
                        await sleep(dice.choice((0, 0, 1)))
                except TimeoutError:
                    pass

        async def consumer() -> None:
            while True:
                try:
                    async with timeout(dice.choice((0, 1, 9))):
                        got.append(await queue.get())
                        await sleep(dice.choice((0, 0, 1)))
                except TimeoutError:
                    pass
                except QueueClosed:
                    return

        async with TaskGroup() as consumers:
            for _ in range(6):
                await consumers.spawn(consumer())
            async with TaskGroup() as producers:
                for _ in range(6):
                    await producers.spawn(producer())
            queue.close()
        assert sorted(put) == sorted(got) and len(put) > 20

    run(main(), clock=VirtualClock(), ready=RandomReady(seed))


def test_a_put_is_made_once() -> None:
    async def main() -> None:
        queue = Queue[int]()
        request = queue.put(1)
        await request
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await request
        assert queue.qsize() == 1

    run(main())
