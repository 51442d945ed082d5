"""Cancellations that the exploration asks for: where they come, and what they find.

No time passes in most of these programs, so that no time limit and no stall can find what is wrong with them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

import kernel
from kernel.sim import Misfit, Report, load
from tests.support.flavours import ASYNCIO, NATIVE, Body, Flavour, end_of, pause
from tests.support.libraries import library

both = pytest.mark.parametrize("flavour", [NATIVE, ASYNCIO], ids=["native", "asyncio"])


def explored(flavour: Flavour, main: Callable[[], Body], **arguments: Any) -> Report:
    report = flavour.explore(main, **{"strategy": "cancel", "seed": 1, **arguments})
    print(report)
    return report


class Turnstile:
    """A lock that is handed on: who is cancelled after that, and before it has run, takes it along."""

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.waiting: deque[Any] = deque()
        self.free = True

    async def acquire(self) -> None:
        if not self.free:
            turn = self.flavour.event()
            self.waiting.append(turn)
            try:
                await turn.wait()
            except self.flavour.cancelled:
                if turn in self.waiting:
                    self.waiting.remove(turn)
                raise
        self.free = False

    def release(self) -> None:
        if self.waiting:
            self.waiting.popleft().set()
        else:
            self.free = True


def leaking(flavour: Flavour) -> Callable[[], Body]:
    """A program that cancels a task which has ended, and then needs the lock that the task has had."""
    async def main() -> None:
        lock = Turnstile(flavour)

        async def use() -> None:
            await lock.acquire()
            if flavour is NATIVE:  # a task that was woken has its answer first, and is cancelled where it waits next
                await flavour.checkpoint()
            lock.release()

        await lock.acquire()
        second = await flavour.spawn(use(), "second")
        await pause(flavour)
        lock.release()
        await pause(flavour)
        second.cancel()
        await lock.acquire()

    return main


@both
def test_a_lock_that_is_lost_between_the_wake_and_the_step(flavour: Flavour) -> None:
    main = leaking(flavour)
    report = explored(flavour, main)
    assert report.failures[0].kind == "deadlock" and report.tape is not None
    assert [(one.kind, one.subject) for one in report.tape.deviations] == [("cancel", "task 'second'")]
    waits = Turnstile.acquire.__code__.co_firstlineno + 5
    cancels = main.__code__.co_firstlineno + 14
    assert report.story.splitlines()[1] in [
        f"  at 0 s task 'second', which {state} at {__file__}:{waits} in Turnstile.acquire, is cancelled (by the "
        f"exploration: the program cancels it elsewhere, at {__file__}:{cancels} in leaking.<locals>.main)"
        for state in ("is ready,", "has been woken and has not run since,")]


@both
def test_its_tape_repeats_it(flavour: Flavour) -> None:
    report = explored(flavour, leaking(flavour))
    assert report.tape is not None
    tape = load(report.tape.text())
    assert tape == report.tape and [name for name, _ in tape.cancels] == ["task 'second'"]
    with pytest.raises(kernel.Deadlock):
        flavour.simulate(leaking(flavour), tape=tape)
    flavour.check_determinism(leaking(flavour), tape=tape)
    with pytest.raises(Misfit, match="was cancel of task 'second', with 2 options"):
        flavour.simulate(lambda: pause(flavour), tape=tape)


@both
def test_other_strategies_make_no_such_choices(flavour: Flavour) -> None:
    """What they find can happen in the program as it is: this second task is cancelled after its work."""
    for strategy in "few", "random", "guided", "exhaustive", "portfolio":
        assert explored(flavour, leaking(flavour), strategy=strategy, runs=100)


@both
def test_it_is_found_in_processes(flavour: Flavour) -> None:
    report = explored(flavour, leaking(flavour), jobs=2)
    assert report.tape is not None and report.tape.deviations[0].kind == "cancel"


@both
def test_a_finally_that_awaits_is_cut_short(flavour: Flavour) -> None:
    async def main() -> None:
        pool = ["connection"]

        async def use() -> None:
            connection = pool.pop()
            try:
                await flavour.checkpoint()
            finally:
                await said_goodbye.wait()
                pool.append(connection)

        said_goodbye = flavour.event()
        task = await flavour.spawn(use(), "user")
        await pause(flavour)
        said_goodbye.set()
        await pause(flavour)
        task.cancel()
        assert pool, "the connection is lost"

    report = explored(flavour, main)
    assert str(report.failures[0]).startswith("exception: AssertionError: the connection is lost")
    assert re.search(r"task 'user', which waits in .*Event.*\.wait\(\) at ", report.story)


@both
def test_a_cancellation_that_the_program_swallows(flavour: Flavour) -> None:
    async def main() -> None:
        async def work() -> None:
            try:
                await flavour.checkpoint()
            except BaseException:
                pass
            await flavour.event().wait()

        task = await flavour.spawn(work(), "worker")
        await pause(flavour)
        task.cancel()
        await end_of(task, flavour)

    report = explored(flavour, main, most_steps=1000)
    assert report.failures[0].kind == "endless"
    assert "task 'worker', which is ready, at " in report.story


def test_a_cancellation_that_a_library_swallows() -> None:
    keep = library("kernel.broken", "async def call(step):\n    try:\n        await step()\n    except BaseException:\n"
                                    "        pass\n")

    async def main() -> None:
        async def work() -> None:
            await keep(kernel.checkpoint)

        task = await kernel.spawn(work(), name="worker")
        await pause(NATIVE)
        await kernel.sleep(60)
        task.cancel()

    report = explored(NATIVE, main)
    assert [failure.kind for failure in report.failures] == ["lost cancellation"]
    assert "the cancellation of task 2 'worker', asked for by the exploration, was swallowed by call(" in str(report)


@both
def test_a_cleanup_that_counts_on_what_has_not_been_done(flavour: Flavour) -> None:
    """Nobody asks for what the task raises, so its end as an object has to tell of it."""
    async def main() -> None:
        async def work() -> None:
            opened: list[str] = []
            try:
                await flavour.checkpoint()
                opened.append("file")
            finally:
                opened.pop()

        task = await flavour.spawn(work(), "worker")
        await pause(flavour)
        task.cancel()

    report = explored(flavour, main)
    assert [failure.kind for failure in report.failures] == ["unretrieved"]


@both
def test_each_window_of_each_suspension_is_tried(flavour: Flavour) -> None:
    seen: list[list[str]] = []

    async def main() -> None:
        seen.append([])

        async def work() -> None:
            try:
                seen[-1].append("began")
                await flavour.sleep(1)
                seen[-1].append("slept")
                await flavour.checkpoint()
                seen[-1].append("ended")
            except flavour.cancelled:
                seen[-1].append("cancelled")
                raise

        task = await flavour.spawn(work(), "worker")
        await flavour.sleep(2.5)
        task.cancel()

    for jobs in 1, 2:
        report = explored(flavour, main, jobs=jobs)
        assert report.complete.startswith("complete: 4 cancellations at 3 suspensions of 1 task; and ")
    seen.clear()
    explored(flavour, main, longest_stall=0)
    assert sorted(one for one in seen if "ended" not in one) == [
        [], ["began", "cancelled"], ["began", "cancelled"] if flavour is ASYNCIO else ["began", "slept", "cancelled"],
        ["began", "slept", "cancelled"]]


def test_a_tape_with_cancellations_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="is no tape: "):
        load('{"tape": 1, "reach": 2, "order": "kept", "longest_stall": 1.0, "cancels": ["a"], "deviations": []}')
