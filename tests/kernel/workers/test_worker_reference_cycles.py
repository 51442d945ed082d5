"""Threads and worker processes leave nothing that only the garbage collector could free, also when they fail."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Awaitable, Callable

import pytest

from kernel import call_in_kernel, run, run_in_process, run_in_thread, sleep, timeout
from tests.support.collector import TIMES, left_by

Operation = Callable[[], Awaitable[object]]


def fail() -> None:
    raise LookupError("as told")


async def thread_that_fails() -> None:
    with pytest.raises(LookupError):
        await run_in_thread(fail)


async def thread_that_fails_shielded() -> None:
    with pytest.raises(LookupError):
        await run_in_thread(fail, abandon=False)


async def thread_whose_call_in_fails() -> None:
    with pytest.raises(LookupError):
        await run_in_thread(call_in_kernel, fail)


async def thread_that_is_abandoned() -> None:
    go_on = threading.Event()
    with pytest.raises(TimeoutError):
        async with timeout(0.0001):
            await run_in_thread(go_on.wait, 30)
    go_on.set()


async def process_that_fails() -> None:
    with pytest.raises(ValueError):
        await run_in_process(int, "no number")


@pytest.mark.parametrize("operation", [
    thread_that_fails, thread_that_fails_shielded, thread_whose_call_in_fails, thread_that_is_abandoned,
    process_that_fails,
])
def test_nothing_is_left(operation: Operation) -> None:
    left = run(left_by(operation, idle=0.05))
    gc.collect()  # a pool of processes is a cycle, with descriptors, which later tests may count
    assert left.total() < TIMES, left


def test_an_idle_thread_keeps_nothing_of_its_last_function() -> None:
    class Argument:
        pass

    async def main() -> None:
        argument = Argument()
        kept = weakref.ref(argument)
        await run_in_thread(id, argument)
        del argument
        async with timeout(20):
            while kept() is not None:  # the thread tells of the result first
                await sleep(0.001)

    run(main())
