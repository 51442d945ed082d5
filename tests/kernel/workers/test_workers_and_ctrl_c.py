"""Worker processes do not hear Ctrl-C, and end with the process of their kernel."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.interpreters import LIMIT, Process, ended, next_line, started_python
from tests.support.process_list import alive

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals to process groups")

PROLOGUE = """
import os, signal, sys, time
from kernel import *

def say(*words):
    print(*words, flush=True)

def work(path):
    open(path, "w").write(str(os.getpid()))
    while os.path.exists(path):
        time.sleep(0.01)
    return "done"

def disposition():
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN, signal.SIGINT in blocked

async def at_work(path):
    while not (os.path.exists(path) and os.path.getsize(path)):
        await sleep(0.01)
"""


@contextmanager
def program(source: str, directory: Path) -> Iterator[Process]:
    """Run a program in the directory; go on when it says "ready"."""
    (directory / "program.py").write_text(PROLOGUE + source + '\nif __name__ == "__main__":\n    start()\n')
    with started_python("program.py", cwd=directory) as process:
        assert next_line(process) == "ready"
        yield process


def test_a_program_that_catches_ctrl_c_gets_what_its_workers_do(tmp_path: Path) -> None:
    with program("""
async def main():
    async with catch_signals(signal.SIGINT) as signals:
        task = await spawn(run_in_process(work, "at work").__await__())
        await at_work("at work")
        say("ready")
        await signals.get()
        os.remove("at work")
        say(await task)

def start():
    run(main())
""", tmp_path) as process:
        os.killpg(process.pid, signal.SIGINT)
        assert ended(process) == (0, "done\n", "")


def test_an_ordinary_ctrl_c_is_told_of_once(tmp_path: Path) -> None:
    with program("""
async def main():
    try:
        async with TaskGroup() as group:
            for _ in range(3):
                await group.spawn(run_in_process(time.sleep, 0.1).__await__())
            await group.spawn(run_in_process(work, "at work", abandon=False).__await__())
            await at_work("at work")
            say("ready")
    finally:
        say("over")

def start():
    run(main())
""", tmp_path) as process:
        os.killpg(process.pid, signal.SIGINT)
        (tmp_path / "at work").unlink()
        status, output, errors = ended(process)
    assert output == "over\n" and status in (130, -signal.SIGINT)
    assert errors.count("Traceback") == 1 and errors.endswith("KeyboardInterrupt\n"), errors


def test_workers_that_are_just_being_started_do_not_hear_it_either(tmp_path: Path) -> None:
    with program("""
async def main():
    async with catch_signals(signal.SIGINT) as signals:
        task = await spawn(run_in_process(disposition).__await__())
        await checkpoint()
        for _ in range(20):
            os.killpg(0, signal.SIGINT)
            await signals.get()
            await sleep(0.005)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        say("ready")
        say(*await task)

def start():
    run(main())
""", tmp_path) as process:
        assert ended(process) == (0, "True False\n", "")


def test_a_kernel_that_is_killed_leaves_no_worker(tmp_path: Path) -> None:
    with program("""
async def main():
    task = await spawn(run_in_process(work, "at work").__await__())
    await at_work("at work")
    say("ready")
    await task

def start():
    run(main())
""", tmp_path) as process:
        worker = int((tmp_path / "at work").read_text())
        process.kill()
        process.wait()
        until = time.monotonic() + LIMIT
        while alive(worker):
            assert time.monotonic() < until, "the worker goes on"
            time.sleep(0.01)
