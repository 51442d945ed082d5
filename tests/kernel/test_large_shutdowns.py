"""The end of a run with very many tasks: it takes time in proportion, and accuses nobody wrongly."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import pytest

from kernel import Kernel, Task, VirtualClock, checkpoint, run, sleep, spawn
from tests.support.coroutines import leave, sleeper
from tests.support.reports import refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


@pytest.mark.parametrize("cleaning", [False, True], ids=["at once", "in several steps"])
def test_very_many_tasks_end_without_a_false_accusation(cleaning: bool, caplog: pytest.LogCaptureFixture) -> None:
    count, ended = 50_000, 0

    async def sleeping() -> None:
        nonlocal ended
        try:
            await sleep(1000)
        finally:
            if cleaning:
                await checkpoint()
            ended += 1

    async def main() -> None:
        for _ in range(count):
            await spawn(sleeping())
        await sleep(0)

    # Where each ends in one step, a grace far too short for all of them together is long enough.
    run(main(), grace=5.0 if cleaning else 0.001, exception_hook=refuse)
    assert ended == count and not caplog.records


def test_the_work_of_a_shutdown_grows_with_the_number_of_tasks_and_no_faster() -> None:
    class Watched(Task[None]):
        """Counts how often the kernel looks whether it is done."""

        __slots__ = ()

        def done(self) -> bool:
            looks.append(self)
            return Task.done(self)

    class Watching(Kernel):
        def spawn(self, *args: Any, **kwargs: Any) -> Task[Any]:
            task = super().spawn(*args, **kwargs)
            task.__class__ = Watched
            return task

    async def main() -> None:
        for _ in range(count):
            await spawn(sleeper())
        await sleep(0)

    looks: list[Task[Any]] = []
    looked = []
    for count in 1000, 8000:
        looks.clear()
        with Watching(clock=VirtualClock()) as kernel:
            kernel.run(main())
        looked.append(len(looks))
    assert looked[1] < 10 * looked[0]  # in the square it would be 64


def test_the_grace_begins_when_each_task_has_had_its_first_step() -> None:
    """Here the first of two tasks keeps the processor for longer than the grace."""
    log: list[str] = []

    async def busy() -> None:
        try:
            await sleep(1000)
        finally:
            time.sleep(0.8)
            log.append("busy")

    async def patient() -> None:
        try:
            await sleep(1000)
        finally:
            log.append("first step")
            await checkpoint()
            log.append("second step")

    async def main() -> None:
        for code in [busy(), *(patient() for _ in range(100))]:
            await spawn(code)
        await checkpoint()

    run(main(), grace=0.5, exception_hook=refuse)
    assert log == ["busy", *["first step"] * 100, *["second step"] * 100]


@pytest.mark.parametrize("grace", [math.inf, 1e300])
def test_a_grace_can_be_without_end(grace: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cleans_up() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(0.05)
            ended.append("cleaned up")

    ended: list[str] = []
    thread_failures: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", thread_failures.append)
    run(leave(cleans_up()), grace=grace, exception_hook=refuse)
    assert ended == ["cleaned up"] and not thread_failures
