"""Call graphs of Python 3.14: who awaits whom is shown of our tasks as of asyncio's; and what the command `ps` sees."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import compat
from tests.support.interpreters import next_line, run_python, started_python

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="call graphs are new in Python 3.14")

library: Any = asyncio  # older Pythons' types do not have call graphs


async def leaf() -> None:
    await asyncio.sleep(3600)


async def branch(tasks: list[Any], name: str) -> None:
    async with asyncio.TaskGroup() as group:
        for each in "ab":
            tasks.append(group.create_task(leaf(), name=name + each))


async def program(tasks: list[Any]) -> None:
    tasks.append(asyncio.create_task(branch(tasks, "x"), name="x"))
    gathered = asyncio.gather(tasks[0], branch(tasks, "y"))
    await asyncio.wait_for(asyncio.shield(gathered), 3600)


def graphs(run: Callable[[Any], Any]) -> list[str]:
    """The call graphs of all tasks of a program, as asyncio prints them, without what differs from run to run."""
    shown: list[str] = []

    async def main() -> None:
        tasks: list[Any] = []
        top = asyncio.create_task(program(tasks), name="top")
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() >= {top, *tasks} and len(tasks) == 5
        for task in top, *tasks:
            shown.append(library.format_call_graph(task))
        shown.append(library.format_call_graph(limit=1))
        top.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.wait([top, *tasks])

    run(main())
    return [re.sub(r"0x\w+|Task-\d+", "...", text) for text in shown]


def test_call_graphs_are_those_of_asyncio() -> None:
    ours = graphs(compat.run)
    assert ours == graphs(asyncio.run)
    assert "async leaf()" in ours[2] and "name='x'" in ours[2] and "name='top'" in ours[2]


def test_a_call_graph_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        task = asyncio.create_task(leaf(), name="printed")
        await asyncio.sleep(0)
        library.print_call_graph(task)
        library.print_call_graph()
        task.cancel()

    compat.run(main())
    assert "Task(name='printed'" in capsys.readouterr().out


PROGRAM = """
import asyncio

async def main():
    await asyncio.create_task(asyncio.sleep(0), name="done")
    task = asyncio.create_task(asyncio.sleep(3600), name="sleeper")
    await asyncio.sleep(0)
    print("ready", flush=True)
    await task
"""
C_TASKS = PROGRAM.replace("    await asyncio.create_task", """
    asyncio.get_running_loop().set_task_factory(
        lambda loop, code, **others: asyncio.tasks._CTask(code, loop=loop, **others))
    await asyncio.create_task""")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into any process")
@pytest.mark.parametrize(("source", "sees"), [(PROGRAM, False), (C_TASKS, True)], ids=["ours", "of the C class"])
def test_the_command_ps_of_asyncio_sees_tasks_of_its_c_class_only(tmp_path: Path, source: str, sees: bool) -> None:
    """As docs/ecosystem.md says. Should this Python see others, too, that has to be changed."""
    (tmp_path / "program.py").write_text(source + "\nimport compat\ncompat.run(main())\n")
    with started_python("program.py", cwd=tmp_path) as process:
        assert next_line(process) == "ready"
        status, out, err = run_python("-m", "asyncio", "ps", str(process.pid))
    assert status == 0 and ("sleeper" in out) is sees, err
