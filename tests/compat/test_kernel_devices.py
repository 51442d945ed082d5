"""Devices given to the kernel of an event loop: an observer, a ready queue, a selector."""

from __future__ import annotations

import asyncio
import collections
import selectors
from typing import Any

import kernel
from compat.events import EventLoop
from tests.compat.loops import run
from tests.support.ready_queues import RandomReady
from tests.support.sockets import Pair


class Watch(kernel.Observer):
    def __init__(self) -> None:
        self.seen: collections.Counter[str] = collections.Counter()

    def spawn(self, task: kernel.Task[Any]) -> None:
        self.seen["spawn"] += 1

    def resume(self, task: kernel.Task[Any]) -> None:
        self.seen["resume"] += 1

    def block(self, task: kernel.Task[Any], request: kernel.Syscall[Any]) -> None:
        self.seen["block"] += 1

    def wake(self, task: kernel.Task[Any]) -> None:
        self.seen["wake"] += 1

    def exit(self, task: kernel.Task[Any], value: Any, error: BaseException | None) -> None:
        self.seen["exit"] += 1


def test_the_observer_sees_the_tasks_of_the_loop() -> None:
    async def main() -> None:
        await (await kernel.spawn(asyncio.sleep(1)))

    watch = Watch()
    loop = EventLoop(clock=kernel.VirtualClock(), observer=watch)
    loop.run_until_complete(main())
    loop.close()
    assert watch.seen == {"spawn": 2, "resume": 5, "block": 2, "wake": 2, "exit": 2}


def test_a_loop_with_an_observer_can_be_closed() -> None:
    loop = EventLoop(observer=Watch())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert loop.is_closed()


async def racing() -> tuple[int, ...]:
    order: list[int] = []

    async def racer(number: int) -> None:
        await asyncio.sleep(0)
        await kernel.checkpoint()
        order.append(number)

    await asyncio.gather(*map(racer, range(20)))
    return tuple(order)


def test_the_ready_queue_decides_on_the_order() -> None:
    orders = [run(racing(), ready=RandomReady(seed)) for seed in (1, 1, 2)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert orders[0] == orders[1] != orders[2]
    assert run(racing(), ready=collections.deque()) == tuple(range(20))


def test_a_ready_queue_needs_no_more_than_the_kernel_asks_for() -> None:
    loop = EventLoop(ready=RandomReady(1))
    try:
        assert sorted(loop.run_until_complete(racing())) == list(range(20))
    finally:
        loop.close()


def test_a_given_selector_does_the_polling(pair: Pair) -> None:
    class Counting(selectors.SelectSelector):
        calls = 0

        def select(self, timeout: float | None = None) -> Any:
            Counting.calls += 1
            return super().select(timeout)

    async def main() -> bytes:
        asyncio.get_running_loop().call_later(0.01, pair[1].send, b"x")
        await kernel.wait_readable(pair[0])
        return pair[0].recv(1)

    assert run(main(), selector=Counting()) == b"x"
    assert Counting.calls > 0
