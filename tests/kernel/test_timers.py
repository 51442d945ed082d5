"""Timers: who is woken first, and that a cancelled one leaves nothing behind."""

from __future__ import annotations

import math
import random
import time

import pytest

from kernel import Cancelled, Kernel, Task, VirtualClock, checkpoint, current_task, now, run, sleep, sleep_until, spawn
from kernel.timers import Timers
from tests.support.coroutines import sleeper


def test_sleepers_wake_by_deadline_and_those_of_one_deadline_in_the_order_they_lay_down() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    delays = [random.Random(seed + number).randrange(1, 50) for number in range(2000)]
    woken: list[tuple[float, int]] = []

    async def sleeper(number: int) -> None:
        await sleep(delays[number])
        woken.append((await now(), number))

    async def main() -> None:
        for number in range(len(delays)):
            await spawn(sleeper(number))
        await sleep(50)

    run(main(), clock=VirtualClock())
    assert woken == sorted((delay, number) for number, delay in enumerate(delays))


def test_sleep_and_sleep_until_share_one_order() -> None:
    woken: list[str] = []

    async def relative() -> None:
        await sleep(5)
        woken.append("relative")

    async def absolute() -> None:
        await sleep_until(105)
        woken.append("absolute")

    async def main() -> None:
        for code in (relative, absolute, relative):
            await spawn(code())
        await sleep(10)

    run(main(), clock=VirtualClock(100))
    assert woken == ["relative", "absolute", "relative"]


def test_a_cancelled_sleep_does_not_keep_the_kernel() -> None:
    clock = VirtualClock()

    async def main() -> None:
        task = await spawn(sleeper(1_000_000))
        await sleep(1)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        await sleep(1)

    run(main(), clock=clock)
    assert clock.now() == 2.0


@pytest.mark.parametrize("together", [1, 10, 1000])
def test_cancelled_sleeps_wake_nobody_and_disturb_no_other(together: int) -> None:
    woken: list[float] = []

    async def long() -> None:
        await sleep(100)
        woken.append(math.nan)

    async def ticker() -> None:
        for _ in range(200):
            await sleep(1)
            woken.append(await now())

    async def main() -> None:
        ticking = await spawn(ticker())
        for _ in range(3000 // together):
            tasks = [await spawn(long()) for _ in range(together)]
            await checkpoint()
            for task in tasks:
                task.cancel()
        await ticking

    run(main(), clock=VirtualClock())
    assert woken == [float(second) for second in range(1, 201)]


def test_cancelled_timers_do_not_pile_up() -> None:
    async def main() -> int:
        timers = (await current_task()).kernel.timers
        largest = 0
        for _ in range(5000):
            task = await spawn(sleeper(100_000))
            await checkpoint()
            task.cancel()
            largest = max(largest, len(timers.heap))
            assert len(timers) == 0
        return largest

    assert run(main(), clock=VirtualClock()) <= 2 * Timers.SWEEP


class Alarm:
    """A timer that notes when it went off."""

    def __init__(self, name: int, log: list[int]) -> None:
        self.name = name
        self.log = log
        self.dead: bool | None = None

    def fire(self, kernel: Kernel) -> None:
        self.log.append(self.name)


def test_a_deadline_that_is_no_time_is_refused_where_it_is_given() -> None:
    timers = Timers()
    with pytest.raises(ValueError, match="Alarm.* has the deadline NaN"):
        timers.add(math.nan, Alarm(1, []))
    assert not timers.heap


def test_a_timer_is_added_once() -> None:
    timers, timer = Timers(), Alarm(1, [])
    timers.add(1, timer)
    with pytest.raises(ValueError, match="Alarm.* has been added before; make a new one"):
        timers.add(2, timer)
    timers.cancel(timer)
    with pytest.raises(ValueError, match="added before"):
        timers.add(2, timer)
    assert len(timers) == 0 and timers.next_deadline() == math.inf


def test_a_timer_that_is_cancelled_again_or_from_its_own_fire_harms_no_other() -> None:
    class Cancelling(Alarm):
        def fire(self, kernel: Kernel) -> None:
            kernel.timers.cancel(self)
            self.log.append(self.name)

    log: list[int] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        never, once = Alarm(1, log), Cancelling(2, log)
        kernel.timers.cancel(never)  # not even added
        kernel.timers.add(kernel.clock.now() + 5, never)
        kernel.timers.add(kernel.clock.now() + 1, once)
        kernel.timers.cancel(never)
        kernel.timers.cancel(never)
        await sleep(2)
        kernel.timers.cancel(once)
        assert len(kernel.timers) == 0
        await sleep(10)

    run(main(), clock=VirtualClock())
    assert log == [2]


def test_timers_agree_with_a_sorted_list_under_random_additions_cancellations_and_expiries() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    timers, fired = Timers(), list[int]()
    model: list[tuple[float, int]] = []
    expected: list[int] = []
    alarms: dict[int, Alarm] = {}
    time_now = 0.0
    with Kernel() as kernel:
        for name in range(20_000):
            alarms[name] = Alarm(name, fired)
            deadline = time_now + chance.randrange(300)
            timers.add(deadline, alarms[name])
            model.append((deadline, name))
            while model and chance.random() < 0.45:
                victim = model.pop(chance.randrange(len(model)))[1]
                timers.cancel(alarms[victim])
            if chance.random() < 0.1:
                time_now += chance.randrange(20)
                timers.expire(kernel, time_now)
                model.sort()
                while model and model[0][0] <= time_now:
                    expected.append(model.pop(0)[1])
            assert len(timers) == len(model)
            assert timers.next_deadline() == min(model, default=(math.inf, 0))[0]
    assert fired == expected and fired


def test_a_sleep_made_again_after_its_cancellation_takes_its_full_time() -> None:
    async def cancel_soon(task: Task[None]) -> None:
        await sleep(3)
        task.cancel()

    async def main() -> None:
        request = sleep(5)
        await spawn(cancel_soon(await current_task()))
        with pytest.raises(Cancelled):
            await request
        try:
            await request
        except RuntimeError:
            return  # "make a new one" is as good an answer
        assert await now() == 8.0

    run(main(), clock=VirtualClock())


def test_real_sleeps_are_not_short() -> None:
    async def main() -> float:
        before = time.monotonic()
        await sleep(0.05)
        return time.monotonic() - before

    assert run(main()) >= 0.05


def test_how_late_timers_were() -> None:
    class Jumping(VirtualClock):
        def jump(self, seconds: float) -> None:
            self._now += seconds

    clock = Jumping()

    async def main() -> None:
        timers = (await current_task()).kernel.timers
        assert timers.late == 0.0
        await sleep(1)
        assert timers.late == 0.0  # time has passed because of the timer
        napping = await spawn(nap())
        await checkpoint()
        clock.jump(3.5)  # a step that took long
        await napping
        assert timers.late == 2.5

    async def nap() -> None:
        await sleep(1)

    run(main(), clock=clock)
