"""Threads that call into a kernel without end: its tasks keep their turns, and the run ends when main does."""

from __future__ import annotations

import resource
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kernel import Kernel, Task, checkpoint, current_task, run, sleep, spawn

# On a machine under load the flood is thinner, never thicker. Without limits a flood takes far more than this.
MEMORY = 200 << 10  # KiB


@contextmanager
def flooded(kernel: Kernel, threads: int) -> Iterator[list[int]]:
    """While inside, `threads` threads make calls as fast as they can, until the kernel is closed."""
    made = [0] * threads

    def flood(number: int) -> None:
        try:
            while True:
                kernel.call_from_thread(int)
                made[number] += 1
        except RuntimeError:  # closed
            pass

    workers = [threading.Thread(target=flood, args=(number,)) for number in range(threads)]
    with kernel:
        for worker in workers:
            worker.start()
        yield made
    for worker in workers:
        worker.join()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_flood_of_calls_neither_starves_tasks_nor_keeps_the_run_from_ending(
        threads: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> str:
        other = await spawn(counting())
        for _ in range(20):
            await sleep(0.005)
        return await other

    async def counting() -> str:
        for _ in range(1000):
            await checkpoint()
        return "done"

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kernel = Kernel(grace=0.5)
    with flooded(kernel, threads) as made:
        assert kernel.run(main()) == "done"
    assert all(made)
    assert not caplog.records  # nobody was told to refuse to die
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


def test_a_busy_kernel_is_not_buried_in_calls() -> None:
    async def main() -> int:
        time.sleep(0.5)
        return sum(made)

    with flooded(kernel := Kernel(), 2) as made:
        assert kernel.run(main()) < 20_000  # without limit some 500,000


def test_calls_are_made_in_their_order_whatever_the_ready_queue_does() -> None:
    class Shuffled(list[object]):
        def popleft(self) -> object:
            return self.pop(len(self) // 2)

    made: list[int] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        for number in range(1000):
            kernel.call_from_thread(made.append, number)
        for _ in range(5):
            await spawn(counting())
        while len(made) < 1000:
            await checkpoint()

    async def counting() -> None:
        for _ in range(50):
            await checkpoint()

    run(main(), ready=Shuffled())
    assert made == list(range(1000))


def test_after_a_bounded_number_of_calls_every_ready_task_makes_a_step() -> None:
    order: list[str] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        for _ in range(1000):
            kernel.call_from_thread(order.append, "call")
        while order.count("call") < 1000:
            order.append("step")
            await checkpoint()

    run(main())
    longest = max(len(calls) for calls in "".join(what[0] for what in order).split("s"))
    assert 1 <= longest <= 61


@pytest.mark.parametrize("moment", ["before it is in the queue", "when it is in the queue", "when it is taken out"])
def test_a_ctrl_c_while_calls_are_let_in_costs_no_later_call(moment: str) -> None:
    class Interrupted(deque[object]):
        """Is interrupted once, at the first item that is no task."""

        pending = True

        def append(self, item: object, /) -> None:
            if moment == "before it is in the queue":
                self._interrupt(item)
            super().append(item)
            if moment == "when it is in the queue":
                self._interrupt(item)

        def popleft(self) -> object:
            item = super().popleft()
            if moment == "when it is taken out":
                self._interrupt(item)
            return item

        def _interrupt(self, item: object) -> None:
            if self.pending and not isinstance(item, Task):
                self.pending = False
                raise KeyboardInterrupt

    async def main() -> None:
        (await current_task()).kernel.call_from_thread(made.append, "call")
        while not made:
            await sleep(0.001)

    made: list[str] = []
    with Kernel(ready=Interrupted()) as kernel:
        with pytest.raises(KeyboardInterrupt):
            kernel.run(main())
        made.clear()
        kernel.run(main())
    assert made == ["call"]
