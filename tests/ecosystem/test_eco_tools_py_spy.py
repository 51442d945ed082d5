"""py-spy, attached to programs on this project's loop and kernel: the stack of the task that runs, with its lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.interpreters import next_line, started_python

PY_SPY = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

pytestmark = [
    pytest.mark.library("py-spy", "dump of a program on the loop, and of a native one: the stack of the running task"),
    pytest.mark.skipif(PY_SPY is None, reason="pip install py-spy"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into any process"),
]

# A task that computes for good, awaited by another.
ASYNCIO = """
import asyncio

async def inner():
    print("ready", flush=True)
    while True: pass

async def outer():
    await inner()

async def main():
    await asyncio.create_task(outer())

asyncio.run(main())
"""
NATIVE = ASYNCIO.replace("import asyncio", "from kernel import run, spawn").replace(
    "asyncio.create_task(outer())", "(await spawn(outer()))").replace("asyncio.run(main())", "")


@pytest.mark.parametrize(("package", "source"), [("compat", ASYNCIO), ("kernel", NATIVE)])
def test_a_dump_shows_the_task_that_runs(tmp_path: Path, package: str, source: str) -> None:
    (tmp_path / "program.py").write_text(source)
    with started_python("-m", package, "program.py", cwd=tmp_path) as process:
        assert next_line(process) == "ready" and PY_SPY is not None
        dump = subprocess.run([PY_SPY, "dump", "--pid", str(process.pid)], capture_output=True, text=True, timeout=50)
    frames = re.findall(r"^ +(\w+) \(.*program\.py:(\d+)\)$", dump.stdout, re.M)  # innermost first
    assert frames[:2] == [("inner", "6"), ("outer", "9")], (dump.stdout, dump.stderr)
    assert re.search(r"run_ready \(", dump.stdout)
