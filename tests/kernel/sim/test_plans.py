"""Plans, strategies and shrinking by themselves: what they choose, where a program would make the choices."""

from __future__ import annotations

import gc
from random import Random

import kernel
from kernel.sim.choices import Choices, Chosen, Plan
from kernel.sim.runs import Run
from kernel.sim.shrinking import shrink
from kernel.sim.strategies import Few, Guided


def made(plan: Plan, choices: int = 100, options: int = 5) -> Run:
    """A run in which so many choices were made, each of a stall."""
    run = Run(plan)
    for _ in range(choices):
        run.choices.choose("stall", options)
    return run


def places(plan: Plan) -> list[int]:
    return [deviation.place for deviation in made(plan).choices.deviations]


def test_shrinking_finds_the_fewest_deviations_the_earliest_place_and_the_smallest_value() -> None:
    tried = 0

    def fails(plan: Plan) -> Run | None:
        nonlocal tried
        tried += 1
        run = made(plan)
        return run if any(one.value >= 2 and one.place >= 7 for one in run.choices.deviations) else None

    tape = shrink(made(Chosen({3: 1, 20: 1, 50: 3, 90: 4})).tape(), fails)
    assert tape.values() == {7: 2}
    assert tried < 60


def test_shrinking_keeps_what_is_needed_together() -> None:
    def fails(plan: Plan) -> Run | None:
        run = made(plan)
        found = run.tape().values()
        return run if 10 in found and 60 in found else None

    many = {place: 1 for place in range(0, 100, 5)}
    assert set(shrink(made(Chosen(many)).tape(), fails).values()) == {10, 60}


def test_what_fails_in_every_schedule_shrinks_to_the_quiet_one() -> None:
    assert shrink(made(Chosen({5: 2})).tape(), made).deviations == ()


def test_few_deviations_are_few() -> None:
    strategy = Few(Random(1))
    first = strategy.plan()
    assert first is not None and places(first) == []  # which shows how long a run is
    strategy.learn(made(first), True)
    counts = [len(places(plan)) for _ in range(200) if (plan := strategy.plan()) is not None]
    assert set(counts) == {1, 2, 3}


def test_guided_plans_are_near_to_what_was_new() -> None:
    def near(strategy: Guided) -> int:
        return sum(any(abs(place - 80) <= 3 for place in places(strategy.plan())) for _ in range(300))

    strategy = Guided(Random(1))
    strategy.learn(made(Chosen({80: 1})), False)
    assert near(strategy) < 60  # by chance
    strategy.learn(made(Chosen({80: 1})), True)
    assert near(strategy) > 100


def test_what_comes_after_the_end_of_a_program_is_quiet() -> None:
    async def cleans_up(naps: int) -> None:
        try:
            await kernel.sleep(5)
        finally:
            for _ in range(naps):
                await kernel.sleep(0.1)

    async def main(naps: int) -> None:
        await kernel.spawn(cleans_up(naps))
        await kernel.sleep(0.1)

    runs = {kernel.explore(lambda: main(naps), strategy="exhaustive", bound=1, checks=["exception"]).runs
            for naps in (1, 20)}
    assert len(runs) == 1


def test_no_garbage_is_collected_in_a_run() -> None:
    async def main() -> bool:
        return gc.isenabled()

    assert gc.isenabled() and not kernel.simulate(main) and gc.isenabled()


def test_a_lost_wake_up_among_many_tasks_is_found() -> None:
    """Not each of many tasks is looked at whenever time passes."""
    async def main() -> None:
        lock = kernel.Lock()

        async def wait() -> None:
            async with lock:
                pass

        async def nap(number: int) -> None:
            for _ in range(3):
                await kernel.sleep(number / 31 + 0.001)

        await lock.acquire()
        async with kernel.TaskGroup() as group:
            waiter = await group.spawn(wait())
            for number in range(60):
                await group.spawn(nap(number))
            await kernel.sleep(1)
            lock.request.owner = None  # it is free, and nobody is woken
            await kernel.sleep(1)
            waiter.cancel()

    report = kernel.explore(main, runs=1)
    assert [failure.kind for failure in report.failures] == ["stuck"]


def test_a_deadlock_by_a_lost_wake_up_says_what_is_free() -> None:
    """No timer is left, so time does not pass once more."""
    async def main() -> None:
        lock = kernel.Lock()

        async def wait() -> None:
            async with lock:
                pass

        await lock.acquire()
        async with kernel.TaskGroup() as group:
            await group.spawn(wait())
            await kernel.checkpoint()
            lock.request.owner = None  # it is free, and nobody is woken

    report = kernel.explore(main, runs=1)
    assert [failure.kind for failure in report.failures] == ["deadlock", "stuck"]
