"""Each program in examples/hangs hangs as it says, and the command in its docstring shows the cause.

The programs are started, and looked into, by the commands that their docstrings give.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.interpreters import Process, next_line, run_python, started_python
from tests.support.offered import Place
from tests.support.paths import ROOT

HANGS = ROOT / "examples" / "hangs"
PROGRAMS = sorted(path.stem for path in HANGS.glob("*.py"))


def commands(program: str) -> list[list[str]]:
    """The command that starts the program, and those that show the cause, from its docstring."""
    docstring = ast.get_docstring(ast.parse((HANGS / f"{program}.py").read_text())) or ""
    return [line.split() for line in re.findall("^    (.*)$", docstring, re.MULTILINE)]


def starting(program: str) -> list[str]:
    """What the command that starts the program gives to Python."""
    python, *arguments = commands(program)[0]
    assert (python, arguments[-1]) == ("python3", f"examples/hangs/{program}.py")
    return arguments


@contextmanager
def started(place: Place, program: str) -> Iterator[Process]:
    with started_python(*starting(program), environment=place.environment) as process:
        yield process


def shown(place: Place, program: str, process: Process) -> list[str]:
    """The lines that the command of the docstring prints of the process."""
    (name, *arguments), = commands(program)[1:]
    assert name == "trampoline"
    status, out, err = place.command(*(str(process.pid) if each == "PID" else each for each in arguments))
    assert (status, err) == (0, "")
    return out.splitlines()


def at(program: str, code: str, function: str) -> str:
    """How a listing names the line of the program with this code."""
    lines = (HANGS / f"{program}.py").read_text().splitlines()
    number, = (number for number, line in enumerate(lines, 1) if line.strip().startswith(code))
    return f"examples/hangs/{program}.py:{number} in {function}"


def test_each_program_says_how_to_start_it() -> None:
    assert len(PROGRAMS) == 10
    for program in PROGRAMS:
        starting(program)


def test_a_lock_never_released(place: Place) -> None:
    program = "lock_never_released"
    with started(place, program) as process:
        assert next_line(process) == "Ann gets soup"
        assert next_line(process) == "the shop is open"
        lines = shown(place, program, process)
    acquires = at(program, "await lock.acquire()", "serve")
    assert lines[1:] == ["Lock held by task 4 'Bob', which has ended",
                         f"  1. task 5 'Cid' waits in acquire() at {acquires}, although its holder has ended",
                         f"  2. task 6 'Dora' waits in acquire() at {acquires}, although its holder has ended"]


def test_a_lock_of_asyncio_never_released(place: Place) -> None:
    program = "lock_never_released_asyncio"
    with started(place, program) as process:
        assert next_line(process) == "the shop is open"
        lines = shown(place, program, process)
    cause = ["Lock, held by task 2 'Ann'",
             f"  task 2 'Ann' is blocked on Event.wait() at {at(program, 'await kitchen.wait()', 'serve')}",
             f"  1. task 3 'Bob' waits in acquire() at {at(program, 'async with lock', 'serve')}"]
    assert [line for line in lines if line in cause] == cause
    assert len(lines) == 7


def test_a_queue_never_filled() -> None:
    program = "queue_never_filled"
    status, out, err = run_python(*starting(program))
    lines = err.replace(f"{ROOT}/", "").splitlines()
    assert (status, out) == (1, "here is your soup\nhere is your bread\n")
    assert lines[0] == "kernel.deadlock.Deadlock: nothing is left that could wake the blocked tasks:"
    assert lines[2] == (f"  task 3 'waiter' is blocked on <Queue with 0 items>.get() at "
                        f"{at(program, 'async for dish in dishes', 'wait_at_table')}")
    assert len(lines) == 4


def test_a_queue_of_asyncio_never_filled(place: Place) -> None:
    program = "queue_never_filled_asyncio"
    with started(place, program) as process:
        assert [next_line(process), next_line(process)] == ["here is your soup", "here is your bread"]
        lines = shown(place, program, process)
    assert lines[2] == f"    awaits task 2 'waiter' is blocked on Queue.get() at {at(program, 'while dish :=', 'wait_at_table')}"
    assert len(lines) == 3


@pytest.mark.parametrize("program", ["circle_of_locks", "circle_of_locks_asyncio"])
def test_a_circle_of_waits(place: Place, program: str) -> None:
    with started(place, program) as process:
        assert next_line(process) == "the bank is open"
        lines = shown(place, program, process)
    place_of_both = at(program, "async with target", "transfer")
    assert all(line.endswith(f"  {place_of_both}") for line in lines[-9:-7])
    assert lines[-7:] == ["2 tasks wait in a circle:",
                          f"┌─► task 3 'Ann to Bob' at {place_of_both}", "│     │ waits for a Lock, held by", "│     ▼",
                          f"│   task 4 'Bob to Ann' at {place_of_both}", "│     │ waits for a Lock, held by", "└─────┘"]
    assert len(lines) == 13


def test_a_task_that_never_lets_go(place: Place) -> None:
    program = "busy_loop"
    with started(place, program) as process:
        assert next_line(process) == "polling"
        lines = shown(place, program, process)
    where = at(program, "while not orders", "poll")
    path, _, number = where.partition(" ")[0].rpartition(":")
    assert lines[1:] == [f"  It makes no step: task 2 'poll' holds it up at {where}.", "", "task 2 'poll' is running:",
                         f"  File \"{path}\", line {number}, in poll", "    while not orders: pass"]


def test_a_blocking_call(place: Place) -> None:
    program = "blocking_call"
    with started(place, program) as process:
        assert next_line(process) == "fetching"
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        status, listing, _ = place.command("ps", process.pid)  # as the docstring says
    number = at(program, "time.sleep", "fetch").partition(" ")[0].rpartition(":")[2]
    assert lines[0].startswith("task 3 'fetch' has held the kernel for over 0.1 s, and holds it still. ")
    assert lines[1] == f"  File \"{HANGS}/{program}.py\", line {number}, in fetch\n"
    assert lines[2].startswith("    time.sleep(1000)")
    assert status == 0
    assert listing.splitlines()[1] == f"  It makes no step: task 3 'fetch' holds it up at {at(program, 'time.sleep', 'fetch')}."


def test_a_forgotten_await() -> None:
    program = "forgotten_await"
    status, out, err = run_python(*starting(program))
    place, _, function = at(program, "spawn(cook", "main").partition(" in ")
    lines = err.replace(f"{ROOT}/", "").splitlines()
    assert (status, out) == (1, "")
    assert lines[0] == f"{place}: RuntimeWarning: spawn(cook(...)) was never awaited; it was made at {place} in {function}"
    assert lines[1] == "  spawn(cook(dishes))  # without `await`: no task is made"


def test_a_forgotten_await_of_asyncio(place: Place) -> None:
    program = "forgotten_await_asyncio"
    with started(place, program) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline().replace(f"{ROOT}/", "") for _ in range(2)]
    where = at(program, "dishes.put", "main").partition(" ")[0]
    assert lines[0] == f"{where}: RuntimeWarning: coroutine 'Queue.put' was never awaited\n"
    assert lines[1].startswith('  dishes.put("soup")')
