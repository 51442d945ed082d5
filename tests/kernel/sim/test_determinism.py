"""That two runs with the same choices are the same is checked, and what differs first is shown."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

import compat
import kernel
from kernel.sim import Nondeterministic, check_determinism
from tests.support.racing import asyncio_race, native_race


def test_programs_that_do_the_same_each_time() -> None:
    for seed in None, 1, 2, 3:
        check_determinism(native_race, seed=seed)
        compat.check_determinism(asyncio_race, seed=seed)


def test_the_first_step_that_differs_is_shown_with_its_line() -> None:
    begun: list[int] = []

    async def main() -> None:
        begun.append(1)
        await kernel.sleep(1)
        if len(begun) > 1:
            await kernel.sleep(1)
        await kernel.checkpoint()

    line = main.__code__.co_firstlineno
    with pytest.raises(Nondeterministic) as caught:
        check_determinism(main)
    name = "test_the_first_step_that_differs_is_shown_with_its_line.<locals>.main"
    first, second = (f"  at {time} s task '{name}' goes on at {__file__}:{line + offset} in "
                     for time, offset in ((1, 5), (2, 4)))
    assert first in str(caught.value) and "step 3 was" in str(caught.value) and second in str(caught.value)


def test_a_run_that_ends_earlier() -> None:
    begun: list[int] = []

    async def main() -> None:
        begun.append(1)
        for _ in range(3 - len(begun)):
            await kernel.checkpoint()

    with pytest.raises(Nondeterministic, match="step 3 was\n  at 0 s .*\nand the second time\n  none, since"):
        check_determinism(main)


def test_a_tape_is_checked_with_the_settings_of_its_run() -> None:
    async def main() -> None:
        order: list[int] = []

        async def note(number: int) -> None:
            order.append(number)

        async with kernel.TaskGroup() as group:
            for number in range(3):
                await group.spawn(note(number), name=f"note {number}")
        assert order == [0, 1, 2]

    report = kernel.explore(main, seed=1, order="any")
    assert report.tape is not None and report.tape.deviations
    check_determinism(main, tape=report.tape)


def test_a_set_of_tasks_has_one_order() -> None:
    """asyncio's TaskGroup cancels its tasks in the order of a set."""
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(asyncio.sleep(number))
            await asyncio.sleep(0.5)
            raise KeyError

    for _ in range(5):
        padding = [object() for _ in range(random.randrange(1000))]  # other addresses
        compat.check_determinism(main)
        del padding


def test_the_names_of_tasks_are_the_same_each_time() -> None:
    async def main() -> list[str]:
        tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(3)]
        await asyncio.wait(tasks)
        return [task.get_name() for task in tasks]

    assert compat.simulate(main) == compat.simulate(main) == ["Task-2", "Task-3", "Task-4"]


def test_a_story_that_cannot_be_repeated_says_so() -> None:
    begun: list[int] = []

    async def main() -> None:
        begun.append(1)
        await kernel.sleep(1)
        assert len(begun) != 3

    report = kernel.explore(main, runs=20)
    assert not report
    assert "depends on something that is not simulated. check_determinism() shows where" in report.story


@pytest.mark.parametrize("check", [check_determinism, compat.check_determinism])
def test_wrong_arguments(check: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="takes a function that makes the program anew"):
        check(3)
    with pytest.raises(ValueError, match="by a seed or by a tape, and not both"):
        check(native_race, seed=1, tape="x")
