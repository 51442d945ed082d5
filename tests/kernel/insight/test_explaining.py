"""Who kept a task waiting: stretches of its time, which add up to the whole on each level."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Event, Lock, Queue, Task, VirtualClock, current_task, run, sleep, spawn
from kernel.insight import Recorder, why
from kernel.insight.explaining import Stretch, explain


def shown(stretches: tuple[Stretch, ...], indent: str = "") -> list[str]:
    lines = []
    for stretch in stretches:
        cause = "" if stretch.cause is None else f" | {stretch.cause}"
        lines.append(f"{indent}{stretch.seconds:g} {stretch.task.name} {stretch.kind} {stretch.text}".rstrip() + cause)
        lines += shown(stretch.inner, indent + "  ")
    return lines


def check_sums(stretches: tuple[Stretch, ...]) -> None:
    """The stretches follow one another without a gap, and so do those within."""
    for before, after in zip(stretches, stretches[1:]):
        assert before.end == after.begin
    for stretch in stretches:
        if stretch.inner:
            assert (stretch.inner[0].begin, stretch.inner[-1].end) == (stretch.begin, stretch.end)
            check_sums(stretch.inner)


async def client(lock: Lock, queue: Queue[int]) -> None:
    await sleep(0.5)
    async with lock:
        await queue.get()
    await sleep(1)


async def holder(lock: Lock) -> None:
    async with lock:
        await sleep(2)
        await (await spawn(part(), name="part"))


async def part() -> None:
    await sleep(0.25)


async def source(queue: Queue[int]) -> None:
    await sleep(4)
    await queue.put(1)


def test_the_chain_of_those_who_kept_a_task_waiting() -> None:
    recorder = Recorder()

    async def main() -> Task[None]:
        lock, queue = Lock(), Queue[int]()
        await spawn(holder(lock), name="holder")
        await spawn(source(queue), name="source")
        task = await spawn(client(lock, queue), name="client")
        await task
        assert why(task) == recorder.why(task)
        return task

    stretches = recorder.why(run(main(), clock=VirtualClock(), observer=recorder))
    assert shown(stretches) == [
        "0.5 client waited sleep(0.5) | a timer",
        "1.75 client waited Lock.acquire() | task 2 'holder'",
        "  1.5 holder waited sleep(2) | a timer",
        "  0.25 holder waited wait(task 5 'part') | task 5 'part'",
        "    0.25 part waited sleep(0.25) | a timer",
        "1.75 client waited Queue.get() | task 3 'source'",
        "  1.75 source waited sleep(4) | a timer",
        "1 client waited sleep(1) | a timer"]
    check_sums(stretches)
    assert sum(stretch.seconds for stretch in stretches) == 5.0


def test_a_task_that_still_waits() -> None:
    recorder = Recorder()

    async def main() -> None:
        task = await spawn(wait_for(Event()), name="waiter")
        await sleep(3)
        stretches = why(task)
        assert shown(stretches) == ["1 waiter waited sleep(1) | a timer", "2 waiter waited <Event not set>.wait()"]
        check_sums(stretches)
        task.cancel()

    async def wait_for(event: Event) -> None:
        await sleep(1)
        await event.wait()

    run(main(), clock=VirtualClock(), observer=recorder)


class Ticking(VirtualClock):
    """A clock on which every look at it takes a second."""

    def now(self) -> float:
        self._now += 1.0
        return self._now


def test_time_in_which_others_ran_is_told_from_its_own() -> None:
    recorder = Recorder()

    async def main() -> None:
        first = await spawn(yielding(), name="first")
        second = await spawn(yielding(), name="second")
        await first
        await second
        for task in first, second:
            stretches = why(task)
            check_sums(stretches)
            assert {stretch.kind for stretch in stretches} == {"ran", "was ready"}

    async def yielding() -> None:
        for _ in range(3):
            await sleep(0)

    run(main(), clock=Ticking(), observer=recorder)


def test_what_the_ring_has_forgotten_is_said() -> None:
    recorder = Recorder(4)

    async def main() -> None:
        me = await current_task()
        for _ in range(10):
            await sleep(1)
        stretches = why(me)
        assert sum(stretch.seconds for stretch in stretches) < 10
        check_sums(stretches)

    run(main(), clock=VirtualClock(), observer=recorder)


def test_the_text() -> None:
    recorder = Recorder()

    async def main() -> str:
        lock = Lock()
        await spawn(holder(lock), name="holder")
        task = await spawn(client_of(lock), name="client")
        await task
        return explain(why(task))

    async def client_of(lock: Lock) -> None:
        async with lock:
            pass

    assert run(main(), clock=VirtualClock(), observer=recorder) == """\
task 3 'client', 2.250000s:
  2.250000s waited for Lock.acquire(), until task 2 'holder' woke it
    2.000000s task 2 'holder' waited for sleep(2), until a timer woke it
    0.250000s task 2 'holder' waited for wait(task 4 'part'), until task 4 'part' woke it
      0.250000s task 4 'part' waited for sleep(0.25), until a timer woke it
"""


def test_without_a_recorder_it_says_what_to_do() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="no recorder .* run it with observer=Recorder"):
            why(await current_task())

    run(main())


def test_what_is_no_task_is_refused() -> None:
    nothing: Any = 42
    with pytest.raises(TypeError, match="why.. takes a task, not 42"):
        why(nothing)
