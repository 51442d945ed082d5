"""A listing on a signal, in programs in processes of their own."""

from __future__ import annotations

import os
import platform
import signal
import threading
from pathlib import Path

import pytest

from kernel.insight import dump_on
from tests.support.interpreters import ended, next_line, started_python

PROGRAM = """
import signal, sys
from kernel import MonotonicClock, run, sleep, spawn
from kernel.insight import dump_on

class Clock(MonotonicClock):
    told = False

    def idle(self, *args):
        if not self.told:
            self.told = True
            print("ready", flush=True)
        return super().idle(*args)

async def waiting():
    await sleep(3600)

async def other():
    if spin:
        print("ready", flush=True)
    while spin:
        pass
    await sleep(1800)

async def main():
    await spawn(waiting(), name="waiter")
    await spawn(other(), name="other")
    await sleep(3600)
"""


def dumped(tmp_path: Path, spin: bool, before: str = "", signals: int = 1) -> str:
    """What the program writes to standard error when it gets so many signals that ask for a listing."""
    file = tmp_path / "program.py"
    file.write_text(f"spin = {spin}\n{PROGRAM}\n{before}\ndump_on(signal.SIGUSR1)\ndump_on(signal.SIGUSR1)\nrun(main(), clock=Clock())\n")
    read: list[str] = []
    with started_python(file) as process:
        assert next_line(process) == "ready" and process.stderr is not None
        for _ in range(signals):
            os.kill(process.pid, signal.SIGUSR1)
            last = ""
            while not last.startswith("handled" if before else "task 3 "):  # the last stack that is listed
                last = process.stderr.readline()
                assert last, "the program has ended"
                read.append(last)
            if not before:
                read += [process.stderr.readline() for _ in range(2)]
    return "".join(read)


def test_of_a_kernel_that_waits(tmp_path: Path) -> None:
    text = dumped(tmp_path, False)
    assert ", idle: 3 tasks, " in text and f"Python {platform.python_version()}: " in text
    assert "task 2 'waiter' is blocked on sleep(3600):\n" in text and text.endswith("    await sleep(1800)\n")


def test_of_a_kernel_that_is_stuck(tmp_path: Path) -> None:
    text = dumped(tmp_path, True)
    assert " 3  other   running " in text and "task 2 'waiter' is blocked on sleep(3600):\n" in text
    assert text.splitlines()[-2].endswith(", in other")


def test_several_times_and_with_a_handler_of_the_program(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGUSR1, lambda number, frame: print('handled', file=sys.stderr, flush=True))"
    text = dumped(tmp_path, False, before, signals=2)
    assert text.count("Process ") == 2 and text.count("handled\n") == 2


def test_where_standard_error_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"spin = False\n{PROGRAM}\nimport os\nos.close(2)\ndump_on(signal.SIGUSR1)\n"
                    "async def brief():\n    os.kill(os.getpid(), signal.SIGUSR1)\n    await sleep(0.01)\n"
                    "    print('done', flush=True)\nrun(brief())\n")
    with started_python(file) as process:
        assert next_line(process) == "done"
        assert ended(process).status == 0


def test_what_is_no_signal_to_ask_by() -> None:
    before = signal.getsignal(signal.SIGSEGV)  # which is not Python's in development mode
    with pytest.raises(ValueError, match="SIGKILL cannot be caught; choose another signal"):
        dump_on(signal.SIGKILL)
    with pytest.raises(ValueError, match="SIGSEGV tells of a fault"):
        dump_on(signal.SIGSEGV)
    for number in -1, 0, 1000:
        with pytest.raises(ValueError, match="takes the number of a signal"):
            dump_on(number)
    assert signal.getsignal(signal.SIGSEGV) is before


def test_in_another_thread() -> None:
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            dump_on(signal.SIGUSR1)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert "call it in the main thread" in str(errors[0])
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
