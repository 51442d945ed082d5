"""Priority queues with items that do not compare: the error goes to who put them, and no item is lost."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kernel import PriorityQueue, VirtualClock, checkpoint, run, sleep, spawn, timeout


class Capricious:
    """An item that compares with others until it is told not to."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.willing = True

    def __lt__(self, other: Capricious) -> bool:
        if not (self.willing and other.willing):
            raise TypeError(f"{self.rank} and {other.rank} do not compare")
        return self.rank < other.rank


def drain(queue: PriorityQueue[Any]) -> list[Any]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


def test_an_item_that_does_not_compare_is_refused_and_leaves_the_queue_as_it_was() -> None:
    async def main() -> None:
        queue = PriorityQueue[Any]()
        for item in 3, 1, 2, 5, 4:
            await queue.put(item)
        with pytest.raises(TypeError):
            await queue.put("x")
        with pytest.raises(TypeError):
            queue.put_nowait(None)
        assert queue.qsize() == queue.unfinished == 5
        assert drain(queue) == [1, 2, 3, 4, 5]

    run(main())


def test_a_waiting_putters_error_is_its_own_and_the_next_takes_the_room() -> None:
    async def main() -> None:
        queue = PriorityQueue[Any](2)
        await queue.put(2)
        await queue.put(1)
        refused, accepted = await spawn(queue.put("x")), await spawn(queue.put(0))
        await checkpoint()
        assert await queue.get() == 1
        with pytest.raises(TypeError):
            await refused
        await accepted
        assert queue.unfinished == 3 and drain(queue) == [0, 2]

    run(main())


@pytest.mark.parametrize("ending", ["cancelled", "timed out"])
def test_a_refused_putter_waits_for_nothing_that_could_be_aborted(ending: str) -> None:
    async def put(queue: PriorityQueue[Any]) -> str:
        try:
            async with timeout(1 if ending == "timed out" else None):
                await queue.put("x")
        except TypeError:
            if ending == "timed out":
                await sleep(2)
            return "refused"
        return "put"

    async def main() -> None:
        queue = PriorityQueue[Any](2)
        queue.put_nowait(1)
        queue.put_nowait(2)
        putter = await spawn(put(queue))
        await checkpoint()
        assert await queue.get() == 1
        if ending == "cancelled":
            putter.cancel()
        assert await putter == "refused" and drain(queue) == [2]

    run(main(), clock=VirtualClock())


def test_a_get_that_finds_no_least_item_loses_none() -> None:
    async def main() -> None:
        queue, items = PriorityQueue[Capricious](), [Capricious(rank) for rank in (0, 1, 2, 3, 4, 5, 6)]
        for item in items:
            queue.put_nowait(item)
        for item in items[1:]:
            item.willing = False
        for _ in range(2):
            with pytest.raises(TypeError):
                await queue.get()
            assert queue.qsize() == 7
        for item in items:
            item.willing = True
        assert drain(queue) == items

    run(main())


@pytest.mark.parametrize("seed", range(20))
def test_at_random_the_order_survives_every_refusal(seed: int) -> None:
    print("seed", seed)
    dice = random.Random(seed)

    async def main() -> None:
        queue, expected = PriorityQueue[Capricious](), list[Capricious]()
        for _ in range(300):
            unwilling = dice.sample(expected, len(expected) // 3)
            for item in unwilling:
                item.willing = False
            item = Capricious(dice.randrange(1000))
            try:
                if dice.random() < 0.6:
                    await queue.put(item)
                    expected.append(item)
                elif expected:
                    expected.remove(await queue.get())
            except TypeError:
                pass
            for item in unwilling:
                item.willing = True
            assert queue.qsize() == len(expected)
        assert [item.rank for item in drain(queue)] == sorted(item.rank for item in expected)

    run(main())
