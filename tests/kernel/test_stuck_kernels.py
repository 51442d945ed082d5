"""A kernel that is stuck for good: Ctrl-C says where, and a second one interrupts it there."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, Process, ended, next_line, run_python, started_python

SPIN = """
import signal, sys, time
from kernel import *

async def spin():
    print("ready", flush=True)
    while True: {statement}

async def main():
    await (await spawn(spin(), name="spinner"))
"""


def interrupted_twice(process: Process) -> tuple[str, Outcome]:
    """Interrupt a program that is ready. Return what it then says, and how it ends by a second interrupt."""
    assert next_line(process) == "ready" and process.stderr is not None
    process.send_signal(signal.SIGINT)
    said = [process.stderr.readline()]
    while said[-1] and not said[-1].startswith("    while True"):  # the last line of the stack
        said.append(process.stderr.readline())
    process.send_signal(signal.SIGINT)
    return "".join(said), ended(process)


@pytest.mark.parametrize("statement", ["pass", "time.sleep(0.5)"])
def test_a_program_is_told_of_and_interrupted_where_it_is(tmp_path: Path, statement: str) -> None:
    (tmp_path / "program.py").write_text(SPIN.format(statement=statement))
    with started_python("-m", "kernel", "program.py", cwd=tmp_path) as process:
        said, outcome = interrupted_twice(process)
    place = f'  File "{tmp_path}/program.py", line 7, in spin\n    while True: {statement}\n'
    assert said == ("Ctrl-C has to wait: the task 'spinner' has held the kernel for over 1 s. Ctrl-C again interrupts "
                    f"it where it is now:\n{place}")
    assert outcome.status == 130 and outcome.err.endswith("KeyboardInterrupt\n")
    assert place.splitlines()[0] in outcome.err and "kernel/" not in outcome.err


def test_the_same_without_the_command(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SPIN.format(statement="pass") + "\nrun(main())\n")
    with started_python("program.py", cwd=tmp_path) as process:
        said, outcome = interrupted_twice(process)
    assert "the task 'spinner'" in said and outcome.status == -signal.SIGINT
    assert re.search(r'program.py", line 7, in spin\n    while True: pass', outcome.err)


def test_an_asyncio_program(tmp_path: Path) -> None:
    program = SPIN.format(statement="pass").replace("from kernel import *", "import asyncio")
    program = program.replace("await (await spawn", "await (asyncio.create_task")
    (tmp_path / "program.py").write_text(program + "\nasyncio.run(main())\n")
    with started_python("-m", "compat", "program.py", cwd=tmp_path) as process:
        said, outcome = interrupted_twice(process)
    assert "the task 'spinner'" in said and outcome.status == -signal.SIGINT
    assert re.search(r'program.py", line 7, in spin\n    while True: pass', outcome.err)


def test_nothing_is_said_where_the_kernel_comes_to_it(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("""
import signal, time
from kernel import *

async def main():
    try:
        signal.raise_signal(signal.SIGINT)
        await sleep(9)
    finally:
        time.sleep(1.5)  # the task was cancelled by then: the kernel has done what Ctrl-C asks for
""")
    outcome = run_python("-m", "kernel", "program.py", cwd=tmp_path)
    assert outcome.status == 130 and "has to wait" not in outcome.err


NO_THREADS = """
import _thread
def refuse(*args): raise RuntimeError("can't start new thread")
_thread.start_new_thread = refuse
"""


@pytest.mark.parametrize("preparation", [NO_THREADS, "sys.stderr.close()", "sys.stderr = None"],
                         ids=["no threads", "closed", "none"])
def test_what_cannot_be_said_is_not(tmp_path: Path, preparation: str) -> None:
    (tmp_path / "program.py").write_text(f"""
import signal, sys, time
{preparation}
from kernel import *

async def main():
    signal.raise_signal(signal.SIGINT)
    time.sleep(1.2)
    print("the step")
    await sleep(9)

try:
    run(main())
except KeyboardInterrupt:
    print("interrupted")
""")
    assert run_python("program.py", cwd=tmp_path) == (0, "the step\ninterrupted\n", "")
