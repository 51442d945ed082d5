"""How often a busy loop looks at its descriptors: before every large batch, and after 61 steps in small ones."""

from __future__ import annotations

import asyncio

import pytest

from kernel.devices import DefaultPoller, Event

from .loops import run


class Counting(DefaultPoller):
    """Counts the looks."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def poll(self, timeout: float | None) -> list[Event]:
        self.looks += 1
        return super().poll(timeout)


@pytest.mark.parametrize("size, batches_in_a_turn", [(1, 61), (2, 30), (3, 20), (4, 15), (5, 1), (30, 1), (100, 1)])
def test_a_turn_has_one_large_batch_or_as_many_small_ones_as_fit_into_61_steps(size: int, batches_in_a_turn: int) -> None:
    poller = Counting()

    async def main() -> int:
        async def busy() -> None:
            while True:
                await asyncio.sleep(0)

        others = [asyncio.ensure_future(busy()) for _ in range(size - 1)]
        for _ in range(100):
            await asyncio.sleep(0)
        before = poller.looks
        for _ in range(10 * batches_in_a_turn):
            await asyncio.sleep(0)
        looks = poller.looks - before
        for task in others:
            task.cancel()
        return looks

    assert run(main(), poller=poller) == 10
