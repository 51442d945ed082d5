"""Kernels that run: again and again, side by side, and refused what would run one twice at a time."""

from __future__ import annotations

import gc
import math
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from kernel import Kernel, VirtualClock, run, run_in_thread, sleep, spawn
from tests.support.coroutines import sleeper
from tests.support.process_state import process_state
from tests.support.reports import refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


def test_a_kernel_runs_in_a_thread_and_two_kernels_side_by_side() -> None:
    results: list[int] = []
    barrier = threading.Barrier(2, timeout=30)

    async def main(number: int) -> int:
        await run_in_thread(barrier.wait)
        await sleep(0.001)
        return number

    workers = [threading.Thread(target=lambda number=number: results.append(run(main(number)))) for number in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(results) == [1, 2]


def test_a_kernel_can_run_again_and_again_until_it_is_closed() -> None:
    async def main(number: int) -> int:
        await spawn(sleeper())
        await sleep(1)
        return number

    gc.collect()
    before = process_state()
    clock = VirtualClock()
    with Kernel(clock=clock, exception_hook=refuse) as kernel:
        assert [kernel.run(main(number)) for number in range(5)] == [0, 1, 2, 3, 4]
        assert not kernel.tasks
    assert clock.now() == 5.0
    assert process_state() == before


@pytest.mark.usefixtures("no_warnings")
def test_run_inside_a_running_kernel_says_what_to_write_instead() -> None:
    async def main() -> str:
        with pytest.raises(RuntimeError, match=r"inside a running kernel; use 'await spawn\(...\)' or 'await ...'"):
            run(sleeper())
        with Kernel() as another, pytest.raises(RuntimeError, match="inside a running kernel"):
            another.run(sleeper())
        await sleep(1)
        return "main goes on"

    assert run(main(), clock=VirtualClock()) == "main goes on"


async def count() -> int:
    await sleep(0.001)
    return 1


def in_a_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@pytest.mark.parametrize("call", [lambda function: function(), in_a_thread], ids=["inside", "in another thread"])
def test_a_running_kernel_is_neither_closed_nor_run(call: Callable[[Callable[[], object]], None]) -> None:
    def misuse() -> None:
        for wrong in kernel.close, lambda: kernel.run(count()):
            try:
                wrong()
            except RuntimeError as error:
                refusals.append(str(error))

    async def main() -> int:
        call(misuse)
        return await (await spawn(count()))

    refusals: list[str] = []
    with Kernel() as kernel:
        assert kernel.run(main()) == 1
        assert kernel.run(count()) == 1
    closing, running = refusals
    assert "while the kernel runs" in closing and "running" in running


def test_a_run_while_another_thread_imports_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncio.events", ModuleType("asyncio.events"))  # of which nothing is there yet
    assert run(count()) == 1


@pytest.mark.parametrize("grace, error", [("1", TypeError), (None, TypeError), (math.nan, ValueError)])
def test_a_grace_that_is_no_time(grace: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"Kernel\(\) takes a number of seconds"):
        Kernel(grace=grace)
