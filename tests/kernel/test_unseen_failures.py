"""Failures that nobody waited for: each is reported once, and none that somebody saw."""

from __future__ import annotations

import gc

import pytest

from kernel import Task, VirtualClock, checkpoint, run, sleep, spawn
from tests.support.coroutines import leave, sleeper
from tests.support.reports import Reports, refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


async def fails(what: str = "nobody waits") -> None:
    raise LookupError(what)


def test_a_failure_nobody_waited_for_is_reported_when_its_task_is_collected() -> None:
    reports = Reports()

    async def main() -> None:
        await spawn(fails(), name="the failed one")
        await checkpoint()
        gc.collect()
        assert len(reports) == 1

    run(main(), exception_hook=reports)
    (message, error), = reports
    assert "the failed one" in message and isinstance(error, LookupError) and error.__traceback__ is not None


def test_a_failure_nobody_waited_for_is_reported_at_the_latest_when_the_kernel_closes() -> None:
    reports = Reports()

    async def main() -> Task[None]:
        task = await spawn(fails(), name="the failed one")
        await checkpoint()
        gc.collect()
        assert reports == []  # somebody may wait yet
        return task

    task = run(main(), exception_hook=reports)
    assert len(reports) == 1 and "the failed one" in reports[0][0]
    del task
    gc.collect()
    assert len(reports) == 1


def test_a_failure_of_cleaning_up_at_shutdown_is_reported() -> None:
    reports = Reports()

    async def child() -> None:
        try:
            await sleep(1000)
        finally:
            raise LookupError("in cleanup")

    run(leave(child()), clock=VirtualClock(), exception_hook=reports)
    assert [str(error) for error in reports.errors] == ["in cleanup"]


def test_a_failure_that_somebody_saw_is_not_reported() -> None:
    async def main() -> None:
        waited, asked, raised, early = [await spawn(fails()) for _ in range(4)]
        with pytest.raises(LookupError):
            await early
        await checkpoint()
        with pytest.raises(LookupError):
            await waited
        assert asked.exception() is not None
        with pytest.raises(LookupError):
            raised.result()

    run(main(), exception_hook=refuse)
    gc.collect()


@pytest.mark.parametrize("waiters", [1, 2, 3])
def test_a_failure_whose_waiters_were_all_cancelled_before_is_reported(waiters: int) -> None:
    reports = Reports()

    async def late() -> None:
        await sleep(5)
        raise LookupError("late")

    async def waiter(task: Task[None]) -> None:
        await task

    async def main() -> None:
        task = await spawn(late())
        waiting = [await spawn(waiter(task)) for _ in range(waiters)]
        await checkpoint()
        for one in waiting:
            one.cancel()
        await sleep(10)

    run(main(), clock=VirtualClock(), exception_hook=reports)
    assert [str(error) for error in reports.errors] == ["late"]


def test_a_cancelled_task_is_no_failure() -> None:
    async def main() -> None:
        (await spawn(sleeper())).cancel()
        await checkpoint()
        gc.collect()

    run(main(), exception_hook=refuse)


def test_the_failure_of_main_is_raised_and_not_reported() -> None:
    with pytest.raises(LookupError):
        run(fails(), exception_hook=refuse)
    gc.collect()


def test_the_failure_of_a_daemon_is_reported_at_once() -> None:
    reports = Reports()

    async def main() -> Task[None]:
        task = await spawn(fails(), daemon=True)
        await checkpoint()
        assert len(reports) == 1
        return task

    run(main(), exception_hook=reports)
    assert len(reports) == 1
