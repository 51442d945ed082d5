"""The devices that a kernel is handed: the ready queue decides on order, the poller on input, and nothing else does."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Deadlock, Kernel, Poller, VirtualClock, Waitable, checkpoint, current_task, now, run, sleep, spawn,
                    wait_readable, wait_writable)
from kernel.devices.protocols import Event, Listener
from tests.support.ready_queues import RandomReady

Gen = Generator[Any, Any, Any]


def order_of_steps(seed: int) -> list[int]:
    """The order in which five tasks make ten steps each, in a random order that `seed` decides."""
    order: list[int] = []

    async def walker(number: int) -> None:
        for _ in range(10):
            order.append(number)
            await checkpoint()

    async def main() -> None:
        tasks = [await spawn(walker(number)) for number in range(5)]
        for task in tasks:
            await task

    run(main(), ready=RandomReady(seed))
    return order


def test_the_ready_queue_decides_who_is_next() -> None:
    orders = [order_of_steps(seed) for seed in range(10)]
    for order in orders:
        assert sorted(order) == [number for number in range(5) for _ in range(10)]
    assert orders == [order_of_steps(seed) for seed in range(10)]  # the seed is all that decides
    assert len({tuple(order) for order in orders}) == 10


def test_without_one_it_is_first_come_first_served() -> None:
    order: list[int] = []

    async def walker(number: int) -> None:
        for _ in range(3):
            order.append(number)
            await checkpoint()

    async def main() -> None:
        for number in range(200):  # more than are run between two polls
            await spawn(walker(number))
        await sleep(1)

    run(main(), clock=VirtualClock())
    assert order == list(range(200)) * 3


class Network:
    """A simulated poller: descriptors are numbers, and become ready when the simulation says so."""

    def __init__(self) -> None:
        self.listeners: dict[tuple[int, bool], Listener] = {}
        self.ready: set[tuple[int, bool]] = set()
        self.polls: list[float | None] = []
        self.closed = False

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        if fd < 1000:
            raise OSError(9, f"no such line: {fd}")
        self.listeners[fd, writing] = listener

    def unwatch(self, fd: int, writing: bool) -> bool:
        return self.listeners.pop((fd, writing), None) is not None

    def drop(self, event: Event) -> None:
        self.listeners = {line: listener for line, listener in self.listeners.items() if listener is not event}

    def listener(self, fd: int, writing: bool) -> Listener | None:
        return self.listeners.get((fd, writing))

    def watching(self) -> bool:
        return bool(self.listeners)

    def poll(self, timeout: float | None) -> list[Event]:
        self.polls.append(timeout)
        events: list[Event] = [self.listeners.pop(key) for key in sorted(self.ready & self.listeners.keys())]
        self.ready.clear()
        return events

    def wake(self) -> None:
        pass

    def wakeup_fd(self) -> int:
        return -1

    def close(self) -> None:
        self.closed = True


def test_the_poller_is_all_the_input_there_is() -> None:
    network = Network()
    poller: Poller = network

    async def reader(line: int) -> float:
        await wait_readable(line)
        return await now()

    def writer(line: int) -> Gen:
        yield wait_writable(line)
        return (yield now_())

    def now_() -> Gen:
        return (yield from now())

    async def main() -> None:
        reading, writing = await spawn(reader(1000)), await spawn(writer(1000))
        await sleep(5)
        network.ready = {(1000, False)}
        await sleep(5)
        assert reading.done() and not writing.done()
        network.ready = {(1000, True)}
        await sleep(5)
        assert await reading == 5.0 and await writing == 10.0
        with pytest.raises(OSError, match="no such line: 7"):
            await wait_readable(7)
        cancelled = await spawn(reader(1001))
        await checkpoint()
        assert network.watching()
        cancelled.cancel()
        assert not network.watching()

    run(main(), poller=poller, clock=VirtualClock())
    assert network.closed


def test_a_closed_line_fails_who_waits_for_it() -> None:
    network = Network()

    async def reader() -> str:
        try:
            await wait_readable(1000)
        except OSError as error:
            return str(error)
        return "woken"

    async def main() -> None:
        kernel = (await current_task()).kernel
        task = await spawn(reader())
        await checkpoint()
        network.listeners.pop((1000, False)).fail(kernel, OSError("hung up"))
        assert await task == "hung up"

    run(main(), poller=network, clock=VirtualClock())


def test_a_simulated_network_may_deadlock_too() -> None:
    async def main() -> None:
        await Waitable()

    with pytest.raises(Deadlock):
        run(main(), poller=Network(), clock=VirtualClock())


@pytest.mark.parametrize("spinners", [1, 2, 40, 60, 61, 62, 500])
def test_a_busy_kernel_polls_at_least_every_61_steps(spinners: int) -> None:
    steps = 0
    gaps: list[int] = []

    class Counting(Network):
        def poll(self, timeout: float | None) -> list[Event]:
            gaps.append(steps - sum(gaps))
            return super().poll(timeout)

    async def spinner() -> None:
        nonlocal steps
        while steps < 5000:
            steps += 1
            await checkpoint()

    async def main() -> None:
        for task in [await spawn(spinner()) for _ in range(spinners)]:
            await task

    run(main(), poller=Counting(), clock=VirtualClock())
    assert max(gaps) <= 61 and sum(gaps) > 4900


def test_a_descriptor_gets_its_turn_beside_tasks_that_never_sleep() -> None:
    network = Network()

    async def spinner() -> None:
        while True:
            await checkpoint()

    async def main() -> str:
        for _ in range(3):
            await spawn(spinner(), daemon=True)
        network.ready = {(1000, False)}
        await wait_readable(1000)
        return "served"

    assert run(main(), poller=network, clock=VirtualClock()) == "served"


def test_a_timer_gets_its_turn_beside_tasks_that_never_sleep() -> None:
    async def spinner() -> None:
        while True:
            await checkpoint()

    async def main() -> str:
        await spawn(spinner(), daemon=True)
        await sleep(0.01)
        return "served"

    with Kernel() as kernel:
        assert kernel.run(main()) == "served"
