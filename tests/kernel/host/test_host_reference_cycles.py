"""Processes, signals and files leave nothing that only the garbage collector could free, also when they fail."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kernel import catch_signals, open_file, open_process, run, run_process, timeout
from kernel import Path as KernelPath
from tests.support.collector import TIMES, left_by

Operation = Callable[[], Awaitable[object]]


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


async def nothing() -> None:
    """The measure of the others: what the loop itself leaves."""


@pytest.mark.parametrize("operation", [
    nothing, a_process, a_process_that_is_killed, a_process_with_an_error_code, no_such_program,
    signals_that_nobody_takes, a_signal_that_does_not_come, a_file, no_such_file, no_such_path, a_directory,
])
def test_nothing_is_left(operation: Operation) -> None:
    left = run(left_by(operation, idle=0.05))
    assert left.total() < TIMES, left  # at least one for every time, if the operation leaves any
