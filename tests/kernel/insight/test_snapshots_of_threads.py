"""Snapshots where kernels run in several threads, and where one does not come to make a copy of itself."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kernel import Lock, MonotonicClock, call, checkpoint, run, run_in_thread, sleep, spawn
from kernel.insight import snapshot, tasks
from kernel.snapshots import listing
from tests.support.gates import Gate

Data = dict[str, Any]


@contextmanager
def in_thread(function: Callable[[], object], name: str) -> Iterator[None]:
    thread = threading.Thread(target=function, name=name)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)
        assert not thread.is_alive()


def test_two_kernels_in_two_threads() -> None:
    running, over = threading.Event(), threading.Event()

    async def other() -> None:
        running.set()
        await run_in_thread(over.wait, 30)

    async def main() -> Data:
        await run_in_thread(running.wait, 30)
        await checkpoint()
        return snapshot()

    with in_thread(lambda: run(other()), "other kernel"):
        try:
            first, second = run(main())["kernels"]
        finally:
            over.set()
    assert [kernel["thread_name"] for kernel in (first, second)] == ["MainThread", "other kernel"]
    assert first["answered"] and second["answered"] and first["thread"] == threading.get_ident()
    assert [task["name"].rpartition(".")[2] for task in second["tasks"]] == ["other"]


def test_a_thread_without_a_kernel_sees_all() -> None:
    async def main() -> tuple[Data, list[str]]:
        await spawn(sleep_long(), name="sleeper")
        return await run_in_thread(lambda: (snapshot(), [task.name for task in tasks()]))

    taken, names = run(main())
    (kernel,) = taken["kernels"]
    assert kernel["answered"] and [task["state"] for task in kernel["tasks"]] == ["blocked", "blocked"]
    assert names[1] == "sleeper"


async def sleep_long() -> None:
    await sleep(60)


def held(gate: Gate) -> None:
    gate()


def test_a_kernel_that_is_stuck_in_a_step_is_seen_from_outside() -> None:
    gate, lock = Gate(), Lock()

    async def work() -> None:
        async with lock:
            held(gate)

    async def spin() -> None:
        await call(work())

    async def main() -> None:
        await spawn(spin(), name="spin")
        await checkpoint()

    taken: list[Data] = []

    def look() -> None:
        assert gate.entered.acquire(timeout=30)
        taken.append(snapshot())
        gate.let_go.set()

    with in_thread(look, "looker"):
        run(main())
    (kernel,) = taken[0]["kernels"]
    spinner = kernel["tasks"][1]
    assert not kernel["answered"] and spinner["state"] == "running"
    assert kernel["lag"] >= 0.25  # for so long the copy has waited for its turn
    program = [place["function"].rpartition(".")[2] for place in spinner["stack"] if place["file"] == __file__]
    assert program == ["spin", "work", "held"]
    text = listing.ps(taken[0])
    assert "  It makes no step: task 2 'spin' holds it up at " in text


class AskedClock(MonotonicClock):
    """Notes which threads ask for the time, as each does that makes a copy of a kernel."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def now(self) -> float:
        self.threads.append(threading.get_ident())
        return time.monotonic()


def test_a_copy_that_comes_too_late_is_not_made() -> None:
    gate, clock = Gate(), AskedClock()

    async def main() -> None:
        gate()
        clock.threads.clear()
        for _ in range(200):  # some turns
            await checkpoint()
        assert clock.threads == []

    taken: list[Data] = []

    def look() -> None:
        assert gate.entered.acquire(timeout=30)
        taken.extend([snapshot(), snapshot()])
        gate.let_go.set()

    with in_thread(look, "looker"):
        run(main(), clock=clock)
    assert [one["kernels"][0]["answered"] for one in taken] == [False, False]


def test_tasks_that_end_while_they_are_looked_at() -> None:
    over = threading.Event()

    async def short() -> None:
        await sleep(0)

    async def main() -> None:
        while not over.is_set():
            for _ in range(20):
                await spawn(short())
            await checkpoint()

    def look() -> None:
        try:
            for _ in range(50):
                listing.everything(snapshot())
                tasks()
        finally:
            over.set()

    with in_thread(look, "looker"):
        run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_run_the_kernel_of_its_parent() -> None:
    async def main() -> int:
        assert len(snapshot()["kernels"]) == 1
        pid = os.fork()
        if pid == 0:
            os._exit(len(snapshot()["kernels"]))
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert run(main()) == 0
