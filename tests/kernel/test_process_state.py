"""After a run the process is as before: descriptors, threads, signal handlers."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncGenerator

import pytest

from kernel import Cancelled, checkpoint, current_task, run, run_in_thread, sleep, spawn, wait_readable
from tests.support.coroutines import sleeper
from tests.support.process_state import process_state
from tests.support.reports import refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


async def numbers_until_closed() -> AsyncGenerator[int, None]:
    try:
        yield 1
    finally:
        await sleep(0.001)


async def use_everything(end: str) -> None:
    """Have a thread, a descriptor, a timer, an async generator and a few tasks in use when the run ends."""
    read_end, write_end = os.pipe()

    async def reader() -> None:
        try:
            await wait_readable(read_end)
        finally:
            os.close(read_end)
            os.close(write_end)

    await spawn(reader())
    await spawn(sleeper(), daemon=True)
    await run_in_thread(int)
    async for _ in numbers_until_closed():
        break
    inside = process_state()
    assert inside["signal handlers"] != [signal.default_int_handler] * 3
    if end == "failure":
        raise LookupError
    if end == "cancellation":
        (await current_task()).cancel()
        await checkpoint()
    if end == "deadlock":
        await (await current_task())
    if end == "exit":
        sys.exit(3)


@pytest.mark.parametrize("end", ["value", "failure", "cancellation", "deadlock", "exit"])
def test_after_a_run_the_process_is_as_before(end: str) -> None:
    gc.collect()
    before = process_state()
    for _ in range(3):
        try:
            run(use_everything(end), exception_hook=refuse)
        except (LookupError, Cancelled, RuntimeError, SystemExit):
            assert end != "value"
        else:
            assert end == "value"
        assert process_state() == before


def test_while_it_runs_the_kernel_does_have_something_to_give_back() -> None:
    before = process_state()

    async def main() -> None:
        await run_in_thread(int)
        inside = process_state()
        for key in "descriptors", "threads", "signal handlers", "wakeup descriptor", "async generator hooks":
            assert inside[key] != before[key], key

    run(main())


def test_a_signal_handler_of_the_program_stays_in_place() -> None:
    def handler(number: int, frame: object) -> None:
        pass

    async def main() -> None:
        assert signal.getsignal(signal.SIGINT) is handler

    previous = signal.signal(signal.SIGINT, handler)
    try:
        run(main())
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, previous)
