"""Barriers: tasks that go on together, or not at all."""

from __future__ import annotations

import pytest

from kernel import Barrier, BrokenBarrier, Event, checkpoint, run, sleep, spawn
from tests.support.coroutines import turns
from tests.support.injection import Injection, cancel_at_every_suspension


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
