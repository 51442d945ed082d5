"""The stream of a live view: what a process tells, how little that is, and that nothing of it is left afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kernel.serving.changes import LINE
from kernel.serving.shapes import fits
from kernel.shell.client import Conversation, Unreachable
from kernel.shell.following import Following, KernelMoment, Moment
from tests.support.interpreters import LIMIT, next_line
from tests.support.live import WORKING
from tests.support.offered import WAITING, WAITING_ON_ASYNCIO, Place


class View:
    """A live view of a process, without the picture."""

    def __init__(self, asked: Conversation) -> None:
        self.asked = asked
        self.lines = asked.lines()
        self._following = Following()
        self.line: dict[str, Any] = {}  # the last one

    def next(self) -> Moment:
        self.line = next(self.lines)
        assert fits(self.line, LINE)
        return self._following.take(self.line)

    def kernel(self) -> KernelMoment:
        moment = self.next()
        assert len(moment.kernels) == 1
        return moment.kernels[0]

    def until(self, condition: Any) -> KernelMoment:
        for _ in range(int(LIMIT / 0.1)):
            if condition(kernel := self.kernel()):
                return kernel
        raise AssertionError(f"it does not come: {self.line}")


@contextmanager
def viewed(pid: int, **options: Any) -> Iterator[View]:
    with Conversation(pid) as asked:
        assert asked.ask({"ask": "top", "interval": 0.1, **options}) == {}
        yield View(asked)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(WORKING)
    return file


def named(kernel: KernelMoment, name: str) -> dict[str, Any]:
    task, = (task for task in kernel.tasks.values() if task["name"] == name)
    return task


def plain(task: dict[str, Any]) -> dict[str, Any]:
    """What a snapshot and a live view both say of a task."""
    where = {key: task["where"][key] for key in ("file", "line", "function")}
    names = "id", "name", "state", "daemon", "parent", "kind", "waits_for", "stack", "awaits", "lock", "descriptor"
    return {**{key: task[key] for key in names}, "where": where}


@pytest.mark.parametrize("start, text", [("kernel", WAITING), ("compat", WAITING_ON_ASYNCIO)], ids=["native", "asyncio"])
def test_it_says_what_a_snapshot_says(place: Place, tmp_path: Path, start: str, text: str) -> None:
    (tmp_path / "program.py").write_text(text)
    with place.started("-m", start, tmp_path / "program.py") as process:
        with Conversation(process.pid) as asked:
            snapshot = asked.ask({"ask": "snapshot"})
        with viewed(process.pid) as view:
            for _ in range(3):
                kernel = view.kernel()
                assert [plain(task) for task in kernel.tasks.values()] == [plain(task) for task in snapshot["kernels"][0]["tasks"]]
                assert kernel.kernel["locks"] == snapshot["kernels"][0]["locks"]
            assert view.line["kernels"][0]["tasks"] == [] and view.line["kernels"][0]["stacks"] == []  # nothing new


def test_figures(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process, viewed(process.pid) as view:
        first = view.kernel()
        assert first.steps_per_second == 0 and named(first, "ticker")["steps"] < 5
        kernel = view.until(lambda kernel: named(kernel, "ticker")["steps"] > 5)
        ticker, waiter = named(kernel, "ticker"), named(kernel, "[red]\33[31mwaiter")
        assert ticker["busy"] >= ticker["longest"] > 0 and 0 < ticker["share"] < 1
        assert kernel.kernel["now"] - ticker["since"] < 5 and kernel.steps_per_second > 1 and 0 < kernel.share < 1
        assert (waiter["steps"], waiter["busy"], waiter["since"], waiter["share"]) == (0, 0, None, 0)
        assert len(kernel.lags) > 1 and kernel.watched > 0
        assert [row[1] for row in view.line["kernels"][0]["tasks"]] == ["ticker"]


def test_ten_thousand_tasks_are_sent_once(place: Place, program: Path) -> None:
    program.write_text(WORKING.replace("range(10)", "range(10_000)"))
    with place.started("-m", "kernel", program) as process, viewed(process.pid) as view:
        assert len(view.kernel().tasks) == 10_004
        assert len(json.dumps(view.line)) < 2_000_000
        for _ in range(3):
            assert len(view.kernel().tasks) == 10_004
            assert len(json.dumps(view.line)) < 2_000  # the ticker alone


def test_tasks_that_come_and_go(place: Place, program: Path) -> None:
    program.write_text("import sys\nfrom kernel import run_in_thread, sleep, spawn\n"
                       "async def nap():\n    await sleep(1000)\n"
                       "async def main():\n    print('ready', flush=True)\n    tasks = []\n    while True:\n"
                       "        word = (await run_in_thread(sys.stdin.readline)).strip()\n"
                       "        if word == 'end':\n            tasks.pop(0).cancel()\n"
                       "        else:\n            tasks.append(await spawn(nap(), name=word))\n")
    with place.started("-m", "kernel", program) as process, viewed(process.pid) as view:
        assert process.stdin is not None
        names = ["main"]
        for word in "a", "b", "end", "c", "end", "end", "d":
            print(word, file=process.stdin, flush=True)
            if word == "end":
                names.pop(1)
            else:
                names.append(word)
            view.until(lambda kernel: [task["name"] for task in kernel.tasks.values()] == names)


def test_another_interval(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process, viewed(process.pid, interval=3600) as view:
        view.next()
        view.asked.tell({"interval": 0.1})
        for _ in range(3):
            view.next()  # and not after an hour


@pytest.mark.parametrize("interval", [0, -1, 0.05, 4000, "1", True, None, [], float("nan"), float("inf")])
def test_an_interval_that_is_none(place: Place, program: Path, interval: Any) -> None:
    with place.started("-m", "kernel", program) as process:
        with pytest.raises(Unreachable, match="'interval' has to be a number of seconds from 0.1 to 3600, and is "):
            with viewed(process.pid, interval=interval):
                pass
        with viewed(process.pid) as view:
            view.next()
            view.asked.tell({"interval": interval})
            with pytest.raises(Unreachable, match="'interval' has to be"):
                for _ in range(100):
                    view.next()


@pytest.mark.parametrize("said", [b"nonsense\n", b"[1]\n", b"[" * 900 + b"\n", b"x" * 2000, b"\xff\n"])
def test_a_tool_that_says_nonsense_meanwhile(place: Place, program: Path, said: bytes) -> None:
    with place.started("-m", "kernel", program) as process:
        with place.connected(process.pid) as connection, connection.makefile("rb") as file:
            connection.sendall(b'{"ask": "top", "interval": 0.1}\n')
            assert file.readline() == b"{}\n" and b'"seconds"' in file.readline()
            connection.sendall(said)
            last = file.read().splitlines()[-1]
            assert json.loads(last)["error"].startswith("what a live view is told is ")
        with viewed(process.pid) as view:  # it serves others as before
            view.next()


def test_without_data(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process, viewed(process.pid, data=False) as view:
        assert named(view.kernel(), "session 1")["waits_for"] == "sleep(...)"
        assert "1000)" not in json.dumps(view.line)


TELLING = """\
import threading
from kernel import run, sleep, current_task

async def main():
    kernel = (await current_task()).kernel
    print("ready", flush=True)
    watched = False
    while True:
        await sleep(0.01)
        if (kernel.tap is not None) is not watched:
            watched = not watched
            print("watched" if watched else "left", flush=True)
"""
WATCHING = """\
import sys, time
from kernel.shell.client import Conversation
with Conversation(int(sys.argv[1])) as asked:
    asked.ask({"ask": "top", "interval": 0.1})
    for line in asked.lines():
        pass
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_kernel_is_as_before_when_the_tool_has_gone(place: Place, program: Path, end: signal.Signals) -> None:
    program.write_text(TELLING)
    with place.started("-m", "kernel", program) as process:
        for _ in range(2):
            with subprocess.Popen([sys.executable, "-c", WATCHING, str(process.pid)], stderr=subprocess.DEVNULL,
                                  env={**os.environ, "PYTHONPATH": ":".join(sys.path)}) as tool:
                assert next_line(process) == "watched"
                tool.send_signal(end)
                assert next_line(process) == "left"


def test_several_views_at_once(place: Place, program: Path) -> None:
    program.write_text(TELLING)
    with place.started("-m", "kernel", program) as process:
        with viewed(process.pid) as one:
            assert next_line(process) == "watched"
            with viewed(process.pid) as other:
                for _ in range(3):
                    assert named(one.kernel(), "main")["steps"] >= 0 and named(other.kernel(), "main")["steps"] >= 0
            before = named(one.kernel(), "main")["steps"]
            one.until(lambda kernel: named(kernel, "main")["steps"] > before + 10)
        assert next_line(process) == "left"


def test_a_kernel_that_is_stuck(place: Place, program: Path) -> None:
    program.write_text("import sys\nfrom kernel import sleep\nasync def main():\n    print('ready', flush=True)\n"
                       "    await sleep(0)\n    sys.stdin.readline()\n    await sleep(1000)\n")
    with place.started("-m", "kernel", program) as process, viewed(process.pid) as view:
        kernel = view.until(lambda kernel: not kernel.kernel["answered"])
        assert named(kernel, "main")["state"] == "running"
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
        kernel = view.until(lambda kernel: kernel.kernel["answered"])
        assert named(kernel, "main")["state"] == "blocked"


RUNS = """\
import sys
from kernel import run, run_in_thread
async def waits(number):
    print(f"run {number}", flush=True)
    await run_in_thread(sys.stdin.readline)
print("ready", flush=True)
for number in range(3):
    sys.stdin.readline()
    run(waits(number))
"""


def test_kernels_that_come_later(place: Place, program: Path) -> None:
    program.write_text(RUNS)
    with place.started(program, environment={"TRAMPOLINE_INSIGHT": "1"}) as process, viewed(process.pid) as view:
        assert process.stdin is not None
        assert view.next().kernels == []
        for number in range(3):
            print(file=process.stdin, flush=True)
            assert next_line(process) == f"run {number}"
            deadline = time.monotonic() + LIMIT
            while not (kernels := view.next().kernels):
                assert time.monotonic() < deadline
            assert [task["name"] for task in kernels[0].tasks.values()] == ["waits"]
            print(file=process.stdin, flush=True)
            while number < 2 and view.next().kernels:
                assert time.monotonic() < deadline


RUNS_TWICE = """\
import asyncio, sys
async def rest():
    await asyncio.sleep(1000)
async def main(number):
    print(f"run {number}", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
loop = asyncio.new_event_loop()
resting = loop.create_task(rest(), name="resting")
print("ready", flush=True)
for number in range(3):
    sys.stdin.readline()
    loop.run_until_complete(main(number))
"""


def test_an_event_loop_that_runs_again(place: Place, program: Path) -> None:
    program.write_text(RUNS_TWICE)
    with place.started("-m", "compat", program) as process, viewed(process.pid) as view:
        assert process.stdin is not None
        for number in range(3):
            print(file=process.stdin, flush=True)
            assert next_line(process) == f"run {number}"
            deadline = time.monotonic() + LIMIT
            while not (kernels := view.next().kernels):
                assert time.monotonic() < deadline
            assert "resting" in [task["name"] for task in kernels[0].tasks.values()]
            print(file=process.stdin, flush=True)
            while number < 2 and view.next().kernels:
                assert time.monotonic() < deadline
