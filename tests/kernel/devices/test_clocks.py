"""The clocks: real time, and virtual time, which passes only while nothing can run."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterable

from kernel import (Clock, MonotonicClock, Poller, VirtualClock, checkpoint, now, run, run_in_thread, sleep, spawn,
                    wait_readable)
from kernel.devices.protocols import Event

GENEROUS = 20.0  # seconds of real time that nothing here comes near, unless it hangs


def test_the_monotonic_clock_shows_real_time() -> None:
    async def main() -> float:
        return await now()

    before = time.monotonic()
    assert before <= run(main()) <= time.monotonic()
    assert before <= run(main(), clock=MonotonicClock()) <= time.monotonic()


def test_a_year_of_virtual_time_takes_no_real_time() -> None:
    clock = VirtualClock()

    async def main() -> None:
        for _ in range(365):
            await sleep(86400)

    before = time.monotonic()
    run(main(), clock=clock)
    assert clock.now() == 365 * 86400
    assert time.monotonic() - before < GENEROUS


def test_virtual_time_begins_where_it_is_told() -> None:
    async def main() -> float:
        await sleep(1)
        return await now()

    assert run(main(), clock=VirtualClock()) == 1.0
    assert run(main(), clock=VirtualClock(5000)) == 5001.0


def test_virtual_time_stands_still_while_tasks_run() -> None:
    async def busy() -> None:
        for _ in range(1000):
            await checkpoint()
        assert await now() == 0.0

    async def main() -> None:
        tasks = [await spawn(busy()) for _ in range(10)]
        await sleep(1)
        assert all(task.done() for task in tasks)

    run(main(), clock=VirtualClock())


def test_virtual_time_jumps_from_deadline_to_deadline() -> None:
    seen: list[float] = []

    async def sleeper(seconds: float) -> None:
        await sleep(seconds)
        seen.append(await now())

    async def main() -> None:
        tasks = [await spawn(sleeper(seconds)) for seconds in (7.25, 0.5, 1e9, 0.5)]
        for task in tasks:
            await task

    run(main(), clock=VirtualClock())
    assert seen == [0.5, 0.5, 7.25, 1e9]


def test_virtual_time_stands_still_while_a_thread_is_at_work() -> None:
    release = threading.Event()

    async def work() -> float:
        await run_in_thread(release.wait, GENEROUS)
        return await now()

    async def main() -> None:
        task = await spawn(work())
        await checkpoint()
        threading.Timer(0.05, release.set).start()
        await sleep(3600)
        assert await task == 0.0

    run(main(), clock=VirtualClock())


def test_a_ready_descriptor_goes_before_a_jump() -> None:
    left, right = socket.socketpair()

    async def reader() -> float:
        await wait_readable(left)
        return await now()

    async def main() -> None:
        task = await spawn(reader())
        await checkpoint()
        right.send(b"x")
        await sleep(3600)
        assert await task == 0.0

    with left, right:
        run(main(), clock=VirtualClock())


def test_a_clock_of_ones_own_is_all_the_time_there_is() -> None:
    class Hours:
        """Counts in hours, and notes what it is asked to wait for."""

        def __init__(self) -> None:
            self.hours = 0.0
            self.deadlines: list[float] = []

        def now(self) -> float:
            return self.hours

        def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
            assert not busy_outside
            self.deadlines.append(deadline)
            self.hours = deadline
            return poller.poll(0.0)

    async def main() -> None:
        await sleep(2)
        await sleep(3)

    hours = Hours()
    clock: Clock = hours
    run(main(), clock=clock)
    assert hours.deadlines == [2.0, 5.0] and not math.isinf(hours.now())
