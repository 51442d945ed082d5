"""On Python 3.14 and later a process need not be prepared: it is made to offer itself for as long as a tool looks."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.interpreters import LIMIT, Process, ended, next_line, started_python
from tests.support.offered import COMMAND, WAITING, WAITING_ON_ASYNCIO, Place

if sys.version_info < (3, 14):
    pytest.skip("Python can be made to run a script in another process since 3.14", allow_module_level=True)
if sys.platform != "linux" or os.geteuid() != 0:
    pytest.skip("only root may do this wherever it is not its own child", allow_module_level=True)

NATIVE = f"from kernel import run\n{WAITING}\nrun(main())\n"
ON_COMPAT = WAITING_ON_ASYNCIO.replace("import asyncio", "import compat as asyncio")

BUSY = """\
from kernel import run
async def main():
    print("ready", flush=True)
    while True:
        pass
run(main())
"""
SLEEPING = """\
import time
from kernel import run
async def main():
    print("ready", flush=True)
    time.sleep(1000)
run(main())
"""
IN_A_THREAD = """\
import threading
from kernel import run, sleep
async def main():
    print("ready", flush=True)
    await sleep(1000)
thread = threading.Thread(target=lambda: run(main()), daemon=True)
thread.start()
thread.join()
"""


def is_as_before(place: Place, process: Process) -> bool:
    """Whether the process has got rid of its thread and of its socket, which it does soon after the tool has gone."""
    deadline = time.monotonic() + LIMIT
    while place.socket_of(process.pid).exists() or "kernel insight" in threads_of(process):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return True


def threads_of(process: Process) -> list[str]:
    names = []
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/comm") as file:
            names.append(file.read().strip())
    return names


@pytest.mark.parametrize("program", [NATIVE, ON_COMPAT], ids=["native", "compat"])
def test_a_program_that_waits_is_looked_into_and_goes_on(place: Place, program: str) -> None:
    with place.started("-c", program) as process:
        for command in "ps", "tree", "stack", "dump", "ps":
            status, out, err = place.command(command, process.pid)
            assert (status, err) == (0, "") and "child-1" in out
            assert is_as_before(place, process)
        process.send_signal(signal.SIGINT)
        outcome = ended(process)
        assert outcome.out == "cleaned up\n" and "KeyboardInterrupt" in outcome.err and "insight" not in outcome.err


def test_a_program_that_is_stuck_in_a_step(place: Place) -> None:
    with place.started("-c", BUSY) as process:
        status, out, err = place.command("ps", process.pid)
        assert (status, err) == (0, "") and "main" in out
        assert is_as_before(place, process) and process.poll() is None


@pytest.mark.parametrize("program", [SLEEPING, IN_A_THREAD], ids=["in a call", "in a thread"])
def test_a_program_whose_main_thread_is_in_a_call_that_does_not_return(place: Place, program: str) -> None:
    before = {*Path(tempfile.gettempdir()).glob("trampoline-*")}
    with place.started("-c", program) as process:
        status, out, err = place.command("ps", process.pid)
        assert (status, out) == (1, "") and err.count("\n") == 1
        assert "its main thread is in a call that does not return" in err
        assert {*Path(tempfile.gettempdir()).glob("trampoline-*")} <= before
        process.send_signal(signal.SIGINT)  # now it comes to the script, which has gone
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert "script" not in ended(process).err


def test_a_trace_until_ctrl_c(place: Place) -> None:
    program = NATIVE.replace("await sleep(1000)\n    finally", "while True:\n            await sleep(0.01)\n    finally")
    with place.started("-c", program) as process:
        with started_python(COMMAND, "strace", str(process.pid), environment=place.environment) as tool:
            assert "sleep(0.01)" in next_line(tool)
            tool.send_signal(signal.SIGINT)
            assert ended(tool)[::2] == (0, "")
        assert is_as_before(place, process)


def test_a_process_that_runs_no_program_on_the_kernel(place: Place) -> None:
    with place.started("-c", "import time; print('ready', flush=True)\nwhile True: time.sleep(0.01)") as process:
        assert place.command("ps", process.pid) == (
            2, "", f"trampoline ps: process {process.pid} does not offer itself: it runs no program on the kernel\n")
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (-signal.SIGTERM, "", "")


def test_a_process_that_does_not_let_itself_be_made_to(place: Place) -> None:
    with place.started("-X", "disable-remote-debug", "-c", NATIVE) as process:
        status, out, err = place.command("ps", process.pid)
        assert (status, out) == (2, "") and err.count("\n") == 1
        assert err.startswith(f"trampoline ps: process {process.pid} does not offer itself, and cannot be made to: ")


def test_a_process_that_cannot_offer_itself(place: Place) -> None:
    place.directory.write_text("")
    with place.started("-c", NATIVE) as process:
        status, out, err = place.command("ps", process.pid)
        assert (status, out) == (2, "") and "it is not a directory" in err and err.count("\n") == 1


def test_a_process_that_is_stopped(place: Place) -> None:
    with place.started("-c", NATIVE) as process:
        process.send_signal(signal.SIGSTOP)
        status, out, err = place.command("ps", process.pid)
        assert (status, out) == (1, "") and "it is stopped" in err and err.count("\n") == 1
        process.send_signal(signal.SIGCONT)
        assert is_as_before(place, process)
        process.send_signal(signal.SIGINT)
        assert "cleaned up" in ended(process).out
