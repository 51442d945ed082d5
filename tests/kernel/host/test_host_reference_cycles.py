"""With the collector off, nothing is left of what threads, processes, signals and files did, also when it failed."""

from __future__ import annotations

import gc
import signal
import subprocess
import threading
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kernel import (call_in_kernel, catch_signals, open_file, open_process, run, run_in_process, run_in_thread,
                    run_process, sleep, timeout)
from kernel import Path as KernelPath

TIMES = 100
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


async def a_process() -> None:
    async with await open_process(["true"]) as process:
        assert await process.wait() == 0


async def a_process_that_is_killed() -> None:
    async with await open_process(["sleep", "1000"]) as process:
        process.terminate()
    assert process.returncode == -signal.SIGTERM


async def a_process_with_an_error_code() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        await run_process("exit 3", shell=True, check=True)


async def no_such_program() -> None:
    with pytest.raises(FileNotFoundError):
        await open_process(["/no/such/program"])


async def signals_that_nobody_takes() -> None:
    async with catch_signals(signal.SIGUSR1):
        pass


async def a_signal_that_does_not_come() -> None:
    async with catch_signals(signal.SIGUSR1) as signals:
        with pytest.raises(TimeoutError):
            async with timeout(0.0001):
                await signals.get()


async def a_file() -> None:
    async with open_file(__file__) as file:
        assert await file.readline()


async def no_such_file() -> None:
    with pytest.raises(FileNotFoundError):
        async with open_file("/no/such/file"):
            pass


async def no_such_path() -> None:
    with pytest.raises(FileNotFoundError):
        await KernelPath("/no/such/path").stat()


async def a_directory() -> None:
    assert [path async for path in KernelPath(Path(__file__).parent).iterdir()]


async def idle() -> None:
    """Let threads and processes that have answered put away what they answered with."""
    await sleep(0.05)


async def nothing() -> None:
    """The measure of the others: what the loop itself leaves."""


@pytest.mark.parametrize("operation", [
    nothing, thread_that_fails, thread_that_fails_shielded, thread_whose_call_in_fails,
    thread_that_is_abandoned, process_that_fails, a_process, a_process_that_is_killed, a_process_with_an_error_code,
    no_such_program, signals_that_nobody_takes, a_signal_that_does_not_come, a_file,
    no_such_file, no_such_path, a_directory,
])
def test_nothing_is_left(operation: Operation) -> None:
    async def main() -> Counter[str]:
        for _ in range(5):
            await operation()  # what is made once: threads, worker processes, caches
        await idle()
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            for _ in range(TIMES):
                await operation()
            await idle()
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            return Counter(type(each).__qualname__ for each in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
            gc.unfreeze()

    left = run(main())
    gc.collect()  # a pool of processes is a cycle, with descriptors, which later tests may count
    assert left.total() < TIMES, left  # at least one for every time, if the operation leaves any


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
