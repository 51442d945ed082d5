"""What is measured of tasks for a live view."""

from __future__ import annotations

import time
from contextvars import Context
from typing import Any

from kernel import Kernel, Observer, Task, VirtualClock, checkpoint, current_task, run, sleep, spawn
from kernel.insight import watch
from kernel.insight.usage import Usage, Used
from tests.support.reports import Reports


async def nap(times: int, seconds: float = 1.0) -> None:
    for _ in range(times):
        await sleep(seconds)


async def kernel_here() -> Kernel:
    return (await current_task()).kernel


def test_steps_are_counted_by_task_and_those_that_did_not_run_have_no_figures() -> None:
    async def main() -> dict[int, Used]:
        kernel = await kernel_here()
        early = await spawn(nap(4), name="early")
        late = await spawn(nap(1, 100), name="late")
        await sleep(0.5)
        usage = Usage(kernel)
        with watch(usage):
            await spawn(nap(1, 1), name="other")
            await sleep(2)
            used = usage.used()
            assert usage.steps == sum(each.steps for each in used.values()) + 2  # of the task that has ended
        early.cancel()
        late.cancel()
        return used

    used = run(main(), clock=VirtualClock())
    assert {number: each.steps for number, each in used.items()} == {1: 1, 2: 2}


def test_the_longest_step_and_its_place() -> None:
    async def work() -> None:
        await checkpoint()
        time.sleep(0.02)
        await sleep(1)  # the longest step ends here
        await sleep(100)

    async def main() -> Used:
        usage = Usage(await kernel_here())
        with watch(usage):
            task = await spawn(work())
            await sleep(2)
            used = usage.used()[task.id]
            assert usage.longest == used.longest
            task.cancel()
        return used

    used = run(main(), clock=VirtualClock())
    assert used.steps == 3 and 0.02 <= used.longest <= used.busy < 10
    line = work.__code__.co_firstlineno + 3
    assert used.longest_at == f"{__file__}:{line} in {work.__qualname__}"


def test_since_when_a_task_waits() -> None:
    async def main() -> list[float | None]:
        kernel = await kernel_here()
        early = await spawn(nap(3, 2))
        await sleep(1)
        usage = Usage(kernel)
        seen: list[float | None] = []
        with watch(usage):
            seen.append(kernel.tap.blocked_since(early))  # type: ignore[union-attr]  # there is one
            await sleep(2)
            seen.append(kernel.tap.blocked_since(early))  # type: ignore[union-attr]
            with watch(Observer()):
                seen.append(kernel.tap.blocked_since(early))  # type: ignore[union-attr]
            seen.append(kernel.tap.blocked_since(early))  # type: ignore[union-attr]
        early.cancel()
        return seen

    assert run(main(), clock=VirtualClock()) == [None, 2, 2, 2]


def test_the_figures_outlive_the_coming_and_going_of_another_observer() -> None:
    async def main() -> list[int]:
        usage = Usage(await kernel_here())
        with watch(usage):
            task = await spawn(nap(100))
            counts = []
            for _ in range(3):
                await sleep(1.5)
                counts.append(usage.used()[task.id].steps)
                with watch(Observer()):
                    await sleep(1.5)
                    counts.append(usage.used()[task.id].steps)
            task.cancel()
        return counts

    assert run(main(), clock=VirtualClock()) == [2, 3, 5, 6, 8, 9]


def test_afterwards_the_kernel_is_as_before() -> None:
    async def main() -> None:
        kernel = await kernel_here()
        tasks: list[Task[Any]] = [await spawn(nap(3)) for _ in range(3)]
        with watch(Usage(kernel)):
            tasks.append(await spawn(nap(3)))
            await sleep(1)
        assert kernel.tap is None and kernel.woken is kernel.ready
        assert all(type(task.context) is Context for task in tasks)
        for task in tasks:
            await task

    run(main(), clock=VirtualClock())


class Odd:
    """Awaits a sleep, and has an attribute that cannot be read."""

    cr_frame = property(lambda self: 1 / 0)

    def __init__(self) -> None:
        self.requests = [sleep(1)]

    def __await__(self) -> Any:
        return self

    def __next__(self) -> Any:
        time.sleep(0.01)
        if self.requests:
            return self.requests.pop()
        raise StopIteration("done")


def test_a_step_whose_place_cannot_be_told_makes_no_difference_to_the_task() -> None:
    reports = Reports()

    async def odd() -> Any:
        return await Odd()

    async def main() -> tuple[Any, Used]:
        usage = Usage(await kernel_here())
        with watch(usage):
            task = await spawn(odd(), name="odd")
            await sleep(0.5)
            used = usage.used()[task.id]
            return await task, used

    answer, used = run(main(), clock=VirtualClock(), exception_hook=reports)
    assert answer == "done" and used.longest >= 0.01 and used.longest_at == ""
    assert reports.messages == ["the place of a step of task 2 'odd' cannot be told"]


def test_an_exception_and_a_cancellation_pass_through() -> None:
    async def fails() -> None:
        await sleep(1)
        raise ValueError("a value")

    async def main() -> str:
        with watch(Usage(await kernel_here())):
            task = await spawn(fails())
            try:
                await task
            except ValueError as error:
                return str(error)
        return ""

    assert run(main(), clock=VirtualClock()) == "a value"
