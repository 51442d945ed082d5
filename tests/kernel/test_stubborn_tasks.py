"""Tasks that refuse to end: named, cancelled again, and at last given up, with what they hold released."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel import (Cancelled, Condition, Lock, RLock, Task, VirtualClock, Waitable, checkpoint, current_task, run,
                    sleep, spawn)
from tests.support.coroutines import leave
from tests.support.ready_queues import RandomReady
from tests.support.reports import Reports, ignore

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


def test_a_task_that_swallows_every_cancellation_is_named_and_given_up() -> None:
    reports = Reports()

    async def stubborn() -> None:
        while True:
            try:
                await sleep(1000)  # here it stays
            except Cancelled:
                pass

    task = run(leave(stubborn(), name="the stubborn one"), clock=VirtualClock(), exception_hook=reports)
    assert task.done() and task.cancelled()
    assert len(reports) >= 2
    for message, _ in reports:
        assert "the stubborn one" in message
    assert "sleep(1000)" in reports[0][0] and __file__ in reports[0][0]
    assert "was cancelled once at" in reports[0][0] and "was cancelled 2 times at" in reports[1][0]


def test_a_task_that_swallows_a_few_cancellations_is_cancelled_again() -> None:
    trace: list[str] = []

    async def reluctant() -> None:
        for _ in range(2):
            try:
                await Waitable()
            except Cancelled:
                trace.append("swallowed")
        try:
            await Waitable()
        finally:
            trace.append("ended")

    assert run(leave(reluctant()), exception_hook=ignore).cancelled()
    assert trace == ["swallowed", "swallowed", "ended"]


async def spinner() -> None:
    while True:
        try:
            await checkpoint()
        except Cancelled:
            pass


def test_a_task_that_spins_through_checkpoints_is_named_and_given_up() -> None:
    reports = Reports()

    async def main() -> list[Task[None]]:
        tasks = [await spawn(spinner(), name=f"spinner {number}") for number in range(3)]
        await checkpoint()
        return tasks

    tasks = run(main(), grace=0.02, exception_hook=reports)
    assert all(task.done() for task in tasks)
    for number in range(3):
        assert any(f"spinner {number}" in message for message, error in reports)
    assert not any("None" in message for message, error in reports)  # "blocked on None" would mislead


def test_given_up_tasks_that_wait_for_each_other_are_given_up_once_each() -> None:
    async def elder() -> None:
        while True:
            try:
                await sleep(1000)
            except Cancelled:
                pass

    async def younger(task: Task[None]) -> None:
        while not task.done():
            try:
                await task
            except Cancelled:
                pass

    async def main() -> list[Task[None]]:
        first = await spawn(elder())
        second = await spawn(younger(first))
        await checkpoint()
        return [first, second]

    tasks = run(main(), clock=VirtualClock(), exception_hook=ignore)
    assert all(task.done() for task in tasks)


async def hold(lock: Lock | Condition, ended: list[str]) -> None:
    me = await current_task()
    async with lock:
        try:
            while True:
                try:
                    await (lock.wait() if isinstance(lock, Condition) else sleep(1000))
                except Cancelled:
                    pass
        finally:
            ended.append(me.state)


@pytest.mark.parametrize("make", [Lock, RLock, Condition])
def test_a_task_that_is_given_up_lets_go_of_its_locks(make: Callable[[], Lock | Condition]) -> None:
    reports = Reports()
    ended: list[str] = []
    lock = make()

    async def main() -> None:
        for name in "first", "second":
            await spawn(hold(lock, ended), name=name)
        await checkpoint()

    run(main(), clock=VirtualClock(), grace=1, exception_hook=reports)
    assert not lock.locked() and set(ended) == {"running"}
    assert reports and all(isinstance(error, TimeoutError) for error in reports.errors), reports


def test_tasks_that_refuse_to_die_are_given_up_in_any_order() -> None:
    async def main() -> list[Task[None]]:
        tasks = [await spawn(spinner(), daemon=number % 2 == 0) for number in range(10)]
        await checkpoint()
        return tasks

    for seed in range(10):
        tasks = run(main(), ready=RandomReady(seed), grace=0.005, exception_hook=ignore)
        assert all(task.done() for task in tasks)
