"""A program that a command has started ends with a `Deadlock`: the circle of its tasks is drawn under the traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.interpreters import run_python
from tests.support.offered import COMMAND, Place

LOCKS = """\
from kernel import Lock, TaskGroup, sleep
async def transfer(source, target):
    async with source:
        await sleep(0.01)
        async with target: pass
async def main():
    ann, bob = Lock(), Lock()
    async with TaskGroup() as group:
        await group.spawn(transfer(ann, bob), name="Ann to Bob")
        await group.spawn(transfer(bob, ann), name="Bob to Ann")
"""
OF_LOCKS = """\
2 tasks wait in a circle:
┌─► task 2 'Ann to Bob' at program.py:5 in transfer
│     │ waits for a Lock, held by
│     ▼
│   task 3 'Bob to Ann' at program.py:5 in transfer
│     │ waits for a Lock, held by
└─────┘
"""
WAITS = """\
from kernel import checkpoint, spawn
tasks = []
async def waiter(number):
    await checkpoint()
    await tasks[(number + 1) % 3]
async def main():
    for number, name in enumerate(["a", "b", "\\33[31m"]):
        tasks.append(await spawn(waiter(number), name=name))
    for task in tasks: await task
"""
OF_WAITS = """\
3 tasks wait in a circle:
┌─► task 2 'a' at program.py:5 in waiter
│     │ waits for the end of
│     ▼
│   task 3 'b' at program.py:5 in waiter
│     │ waits for the end of
│     ▼
│   task 4 '\\x1b[31m' at program.py:5 in waiter
│     │ waits for the end of
└─────┘
"""
ITSELF = """\
from kernel import Lock
async def main():
    lock = Lock()
    async with lock:
        async with lock: pass
if __name__ == "__main__":
    import asyncio
    asyncio.run(main())
"""
OF_ITSELF = """\
1 task waits for itself:
┌─► task 1 '{name}' at program.py:5 in main
│     │ waits for a Lock, held by
└─────┘
"""
UTF_8 = {"PYTHONIOENCODING": "utf-8"}


def error_of(directory: Path, text: str, *start: str, environment: dict[str, str] = UTF_8) -> str:
    (directory / "program.py").write_text(text)
    status, out, err = run_python(*start, "program.py", cwd=directory, environment=environment)
    assert (status, out) == (1, "")
    return err


@pytest.mark.parametrize("text, picture", [(LOCKS, OF_LOCKS), (WAITS, OF_WAITS)], ids=["locks", "waits"])
def test_a_circle(tmp_path: Path, text: str, picture: str) -> None:
    err = error_of(tmp_path, text, "-m", "kernel")
    assert "kernel.deadlock.Deadlock: " in err and err.endswith(f"\n{picture}")


def test_a_terminal_that_has_only_ascii(tmp_path: Path) -> None:
    err = error_of(tmp_path, LOCKS, "-m", "kernel", environment={"PYTHONIOENCODING": "ascii"})
    assert err.endswith(f"\n{OF_LOCKS.translate(str.maketrans('┌─►│▼└┘', '+->|v++'))}")


def test_a_task_that_waits_for_itself_natively_and_in_a_program_for_asyncio(tmp_path: Path) -> None:
    assert error_of(tmp_path, ITSELF, "-m", "kernel").endswith(f"\n{OF_ITSELF.format(name='main')}")
    assert error_of(tmp_path, ITSELF, "-m", "compat").endswith(f"\n{OF_ITSELF.format(name='Task-1')}")


def test_the_console_command(place: Place, tmp_path: Path) -> None:
    assert error_of(tmp_path, LOCKS, COMMAND, "run", environment={**place.environment, **UTF_8}).endswith(f"\n{OF_LOCKS}")


def test_a_deadlock_without_a_circle_has_no_picture(tmp_path: Path) -> None:
    err = error_of(tmp_path, "from kernel import Queue\nasync def main():\n    await Queue().get()\n", "-m", "kernel")
    assert "Deadlock" in err and "circle" not in err


def test_a_program_s_own_deadlock_error(tmp_path: Path) -> None:
    text = "from kernel import Deadlock\nasync def main():\n    raise Deadlock('mine', [])\n"
    assert error_of(tmp_path, text, "-m", "kernel").endswith("kernel.deadlock.Deadlock: mine:\n")


def test_a_circle_that_cannot_be_drawn_is_reported_all_the_same(tmp_path: Path) -> None:
    broken = "import kernel.snapshots.hangs as hangs\nhangs.circles_of = None\n"
    err = error_of(tmp_path, broken + LOCKS, "-m", "kernel")
    assert "(The circle cannot be drawn: TypeError: " in err and "task 2 'Ann to Bob' is blocked on " in err
