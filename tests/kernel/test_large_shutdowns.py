"""The end of a run with very many tasks: it takes time in proportion, and accuses nobody wrongly."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import Any

import pytest

from kernel import Kernel, Task, VirtualClock, checkpoint, run, sleep, spawn


def refuse(message: str, error: BaseException) -> None:
    raise AssertionError(f"reported: {message}: {error!r}")


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
            await spawn(sleep_long())
        await sleep(0)

    async def sleep_long() -> None:
        await sleep(1000)

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


def no_threads(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_run_needs_no_thread_to_end(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(threading.Thread, "start", no_threads)
    ended: list[str] = []

    async def left() -> None:
        try:
            await sleep(1000)
        finally:
            await checkpoint()
            ended.append("left")

    async def main(*codes: Any) -> str:
        for code in codes:
            await spawn(code)
        await checkpoint()
        return "done"

    assert run(main()) == "done" and not caplog.records  # and none is asked for where nothing is to be waited for
    with caplog.at_level(logging.WARNING):
        assert run(main(left())) == "done" and ended == ["left"]
    assert "can't start new thread" in caplog.text


def test_many_slow_steps_are_not_taken_for_one_that_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    async def slow() -> None:
        try:
            await sleep(1000)
        finally:
            time.sleep(0.05)

    async def main() -> None:
        for _ in range(30):
            await spawn(slow())
        await checkpoint()

    run(main(), grace=0.3, exception_hook=refuse)
    assert not caplog.records


def test_no_thread_is_left_of_a_shutdown() -> None:
    async def main() -> None:
        await spawn(stays())
        await checkpoint()

    async def stays() -> None:
        await sleep(1000)

    before = threading.active_count()
    run(main())
    assert threading.active_count() == before


def test_nor_of_one_that_ctrl_c_ends_while_the_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        raise KeyboardInterrupt

    async def main() -> None:
        await spawn(stays())
        await checkpoint()

    async def stays() -> None:
        await sleep(1000)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(main(), grace=40)
    watchdog, = started
    watchdog.join(30)
    assert not watchdog.is_alive()


@pytest.mark.parametrize("grace", [math.inf, 1e300])
def test_a_grace_can_be_without_end(grace: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        await spawn(cleans_up())
        await checkpoint()

    async def cleans_up() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(0.05)
            ended.append("cleaned up")

    ended: list[str] = []
    thread_failures: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", thread_failures.append)
    run(main(), grace=grace, exception_hook=refuse)
    assert ended == ["cleaned up"] and not thread_failures
