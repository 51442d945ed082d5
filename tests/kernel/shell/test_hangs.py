"""Programs in which a task waits for what is free: what the commands say of them, and Ctrl-\\, and a `Deadlock`."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.support.interpreters import Process, run_python
from tests.support.offered import Place

NATIVE = """\
from kernel import Lock, TaskGroup, checkpoint, sleep

class ForgetfulLock(Lock):
    def release(self):
        self.request.owner = None

async def use(lock):
    async with lock:
        await checkpoint()

async def beat():
    await checkpoint()
    await checkpoint()
    print("ready", flush=True)
    await sleep(1000)

async def main():
    lock = ForgetfulLock()
    async with TaskGroup() as group:
        await group.spawn(use(lock), name="Ann")
        await group.spawn(use(lock), name="Bob")
        await group.spawn(beat(), name="heartbeat")
"""
ON_ASYNCIO = """\
import asyncio

class ForgetfulLock(asyncio.Lock):
    def release(self):
        self._locked = False

async def use(lock):
    async with lock:
        await asyncio.sleep(0)

async def beat():
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("ready", flush=True)
    await asyncio.sleep(1000)

async def main():
    lock = ForgetfulLock()
    async with asyncio.TaskGroup() as group:
        group.create_task(use(lock), name="Ann")
        group.create_task(use(lock), name="Bob")
        group.create_task(beat(), name="heartbeat")

asyncio.run(main())
"""
MOST_LOOKS = 50
IN_VAIN = """\
1 task waits in vain:
  task {number} 'Bob' at program.py:8 in use
    waits for {waits}
    although nobody holds it
"""
both = pytest.mark.parametrize("start, text, number, waits", [
    ("kernel", NATIVE, 3, "<ForgetfulLock held by nobody>.acquire()"), ("compat", ON_ASYNCIO, 2, "ForgetfulLock.__aenter__()"),
], ids=["native", "asyncio"])


@both
def test_the_commands(place: Place, tmp_path: Path, start: str, text: str, number: int, waits: str) -> None:
    (tmp_path / "program.py").write_text(text)
    in_vain = IN_VAIN.format(number=number, waits=waits)
    with place.started("-m", start, "program.py", cwd=tmp_path) as process:
        said = {command: place.command(command, process.pid)[1] for command in ("ps", "tree", "locks", "stack", "dump")}
        said["top"] = place.command("top", "-n", "1", "--interval", "0.1", process.pid)[1]
    for command in "ps", "tree":
        assert said[command].endswith(in_vain), command
    call = "ForgetfulLock." + waits.rpartition(".")[2]
    for command in "ps", "top":
        assert f" {call}, although nobody holds it" in said[command], command
    assert f"  1. task {number} 'Bob' waits in acquire() at program.py:8 in use, although nobody holds it\n" in said["locks"]
    assert f"task {number} 'Bob' is blocked on {waits}, although nobody holds it:\n" in said["stack"]
    tasks = json.loads(said["dump"])["kernels"][0]["tasks"]
    assert {task["name"]: task["free"] for task in tasks if task["free"]} == {"Bob": "nobody holds it"}


@both
def test_ctrl_backslash(place: Place, tmp_path: Path, start: str, text: str, number: int, waits: str) -> None:
    (tmp_path / "program.py").write_text(text)
    with place.started("-m", start, "program.py", cwd=tmp_path) as process:
        said = IN_VAIN.format(number=number, waits=waits)
        for _ in range(MOST_LOOKS):  # it is said only where it is certain, and the first ones may come too early for that
            process.send_signal(signal.SIGQUIT)
            if said in (read := listing_from(process)):
                break
    assert said in read


def listing_from(process: Process) -> str:
    read = ""
    assert process.stderr is not None
    while "'heartbeat' is " not in read:  # the last of the stacks
        read += (more := process.stderr.readline())
        assert more, "the program has ended"
    return read


def test_under_a_deadlock(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(NATIVE.replace("await sleep(1000)", "pass"))
    status, _, err = run_python("-m", "kernel", "program.py", cwd=tmp_path)
    assert status == 1 and "kernel.deadlock.Deadlock: " in err
    assert err.endswith("\n" + IN_VAIN.format(number=3, waits="<ForgetfulLock held by nobody>.acquire()"))
