"""Functions in other processes."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from kernel import Cancelled, TaskGroup, run, run_in_process, sleep, spawn
from tests.support.interpreters import run_python
from tests.support.process_list import children_of_this_process
from tests.support.reports import Reports


def square(number: int) -> int:
    return number * number


def fail(message: str) -> None:
    raise LookupError(message)


def die(code: int) -> None:
    os._exit(code)


def touch_after(seconds: float, path: str) -> None:
    time.sleep(seconds)
    Path(path).touch()


def workers() -> set[int]:
    """The processes that this one has started."""
    return {entry.pid for entry in children_of_this_process()}


def test_functions_run_in_other_processes_which_end_with_the_kernel() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            for number in range(6):
                await group.spawn(in_process(square, number))
            pid = await group.spawn(in_process(os.getpid))
        assert group.results()[:6] == [0, 1, 4, 9, 16, 25]
        assert pid.result() in workers()
        with pytest.raises(LookupError, match="mine"):
            await run_in_process(fail, "mine")
        with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
            await run_in_process(lambda: None)

    before = workers()
    run(main())
    gc.collect()
    assert workers() == before


async def in_process(function: Any, *args: Any, abandon: bool = True) -> Any:
    return await run_in_process(function, *args, abandon=abandon)


def test_a_process_that_dies_is_reported_clearly_and_replaced() -> None:
    async def main() -> None:
        with pytest.raises(BrokenProcessPool, match=r"died suddenly, and with it the call of die\(\)"):
            await run_in_process(die, 3)
        assert await run_in_process(square, 3) == 9

    run(main())


def test_a_process_that_dies_while_nobody_waits_is_replaced() -> None:
    async def main() -> None:
        pid = await run_in_process(os.getpid)
        os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            try:
                assert await run_in_process(square, 3) == 9
                break
            except BrokenProcessPool:  # it was noticed only now
                pass
        else:
            raise AssertionError("not replaced")

    before = workers()
    run(main())
    assert workers() == before


def test_a_cancelled_call_is_abandoned_or_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        await run_in_process(square, 1)  # a process is there
        abandoned = await spawn(in_process(touch_after, 0.3, str(tmp_path / "abandoned")))
        awaited = await spawn(in_process(touch_after, 0.3, str(tmp_path / "awaited"), abandon=False))
        await sleep(0.1)
        abandoned.cancel()
        awaited.cancel()
        with pytest.raises(Cancelled):
            await abandoned
        assert not (tmp_path / "abandoned").exists()
        await awaited
        assert (tmp_path / "awaited").exists()

    run(main())
    assert (tmp_path / "abandoned").exists()  # waited for when the kernel closes


def test_processes_that_do_not_end_within_the_grace_are_reported_and_killed() -> None:
    reports = Reports()

    async def main() -> None:
        await run_in_process(square, 1)
        task = await spawn(in_process(time.sleep, 1000))
        await sleep(0.1)
        task.cancel()

    before = workers()
    run(main(), grace=0.2, exception_hook=reports)
    assert reports.messages == ["the kernel cannot close while processes are at work on: sleep"]
    assert workers() == before


def test_a_program_uses_processes(tmp_path: Path) -> None:
    """As documented: guarded by its name; and with nothing to import, a clear error."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert run_python(program) == (0, "42\n", "")


PROGRAM = """
from kernel import run, run_in_process

def double(number):
    return 2 * number

async def main():
    print(await run_in_process(double, 21))

if __name__ == "__main__":
    run(main())
"""
