"""The console command `trampoline`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.support.interpreters import LIMIT, Process, ended, next_line, started_python
from tests.support.offered import COMMAND, WAITING, WAITING_ON_ASYNCIO, Place
from tests.support.paths import ROOT

LOOKING = ["ps", "tree", "stack", "locks", "dump", "strace", "top"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(WAITING)
    return file


@pytest.fixture
def asyncio_program(tmp_path: Path) -> Path:
    file = tmp_path / "asyncio_program.py"
    file.write_text(WAITING_ON_ASYNCIO)
    return file


def stopped_by_ctrl_c(process: Process, status: int) -> None:
    process.send_signal(signal.SIGINT)
    outcome = ended(process)
    assert (outcome.status, outcome.out) == (status, "cleaned up\n"), outcome


# Every way to start a program, and every way to look into it


@pytest.mark.parametrize("start", ["-m kernel", "trampoline run", "-m compat", "trampoline asyncio"])
def test_a_program_that_is_started_by_a_command_can_be_looked_into(place: Place, program: Path, asyncio_program: Path,
                                                                   start: str) -> None:
    native = start in ("-m kernel", "trampoline run")
    file = program if native else asyncio_program
    beginning = start.replace("trampoline", COMMAND).split()
    with place.started(*beginning, file) as process:
        for command in "ps", "tree", "stack":
            status, out, err = place.command(command, process.pid)
            assert (status, err) == (0, ""), command
            for name in "child-0", "child-1", "child-2":
                assert name in out, command
        assert place.command("locks", process.pid)[::2] == (0, "")
        status, out, err = place.command("dump", process.pid)
        assert (status, err) == (0, "")
        dump = json.loads(out)
        assert (dump["schema"], dump["pid"], len(dump["kernels"])) == (1, process.pid, 1)
        assert {task["name"] for task in dump["kernels"][0]["tasks"]} >= {"child-0", "child-1", "child-2"}
        assert place.command("ps").out.split()[:5] == ["PID", "PYTHON", "KERNELS", "TASKS", "COMMAND"]
        row = place.row_of(process.pid)
        assert row is not None and row.endswith(str(file))
        assert row.split()[:4] == [str(process.pid), sys.version.split()[0], "1", "4"]
        stopped_by_ctrl_c(process, 130 if native else -signal.SIGINT)
    assert os.listdir(place.directory) == []


def test_stack_of_one_task(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        out = place.command("stack", process.pid, "child-1").out
        assert "child-1" in out and "child-2" not in out
        status, out, err = place.command("stack", process.pid, "nobody")
        assert (status, out) == (2, "") and err.startswith("trampoline stack: ") and err.count("\n") == 1


def test_dump_to_a_file(place: Place, program: Path, tmp_path: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        assert place.command("dump", process.pid, "-o", tmp_path / "dump.json") == (0, "", "")
        assert json.loads((tmp_path / "dump.json").read_text())["pid"] == process.pid
        status, out, err = place.command("dump", "-o", tmp_path / "no" / "dump.json", process.pid)
        assert (status, out) == (2, "") and "cannot write to" in err and "No such file or directory" in err


TICKING = """\
from kernel import sleep

async def main():
    print("ready", flush=True)
    while True:
        await sleep(0.01)
"""


@pytest.mark.parametrize("arguments", [["PID"], ["-p", "PID"], ["-T", "-r", "PID", "--task", "main", "-e", "time"]],
                         ids=" ".join)
def test_strace_until_ctrl_c(place: Place, program: Path, arguments: list[str]) -> None:
    program.write_text(TICKING)
    with place.started("-m", "kernel", program) as process:
        arguments = [argument.replace("PID", str(process.pid)) for argument in arguments]
        with started_python(COMMAND, "strace", *arguments, environment=place.environment) as tool:
            for _ in range(4):
                assert "[task 1 'main']" in next_line(tool)
            tool.send_signal(signal.SIGINT)
            status, _, err = ended(tool)
            assert (status, err) == (0, "")
        assert process.poll() is None


def test_strace_counts(place: Place, program: Path) -> None:
    program.write_text(TICKING)
    with place.started("-m", "kernel", program) as process:
        descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        with started_python(COMMAND, "strace", "-c", str(process.pid), environment=place.environment) as tool:
            while len(os.listdir(f"/proc/{process.pid}/fd")) == descriptors:
                time.sleep(0.01)  # it has not connected yet
            time.sleep(0.3)
            tool.send_signal(signal.SIGINT)
            status, out, err = ended(tool)
        assert (status, err) == (0, "") and "sleep" in out and "main" in out


def test_strace_of_a_program_that_ends(place: Place, program: Path) -> None:
    program.write_text(TICKING)
    with place.started("-m", "kernel", program) as process:
        with started_python(COMMAND, "strace", str(process.pid), environment=place.environment) as tool:
            assert "sleep(0.01)" in next_line(tool)
            process.kill()
            process.wait()
            assert ended(tool)[::2] == (0, f"trampoline strace: process {process.pid} has ended\n")


# Help, and what cannot be done


def test_help(place: Place) -> None:
    status, out, err = place.command("--help")
    assert (status, err) == (0, "") and place.command("-h").out == out
    for command in ["run", "asyncio", *LOOKING]:
        assert re.search(f"^  {command} ", out, re.M)
        status, text, err = place.command(command, "--help")
        assert (status, err) == (0, "") and text.startswith(f"usage: trampoline {command} ")
        assert max(map(len, [*out.splitlines(), *text.splitlines()])) <= 120


def test_no_command_and_an_unknown_one(place: Place) -> None:
    assert place.command() == (2, "", place.command("--help").out)
    assert place.command("atop") == (2, "", "trampoline: there is no command 'atop'; 'trampoline --help' lists those that "
                                    "there are\n")


@pytest.mark.parametrize("wrong", ["x", "-", "0", "1.5", "٣", "99999999999", ""])
def test_a_number_that_is_none(place: Place, wrong: str) -> None:
    status, out, err = place.command("ps", "--", wrong)
    assert (status, out) == (2, "") and f"{wrong!r} is no number of a process" in err and err.count("\n") == 1


@pytest.mark.parametrize("command", LOOKING)
def test_a_wrong_command_line(place: Place, command: str) -> None:
    status, out, err = place.command(command, "1", "2", "3")
    assert (status, out) == (2, "") and "is one argument too many" in err
    assert place.command(command, "--nonsense", "1") == (
        2, "", f"trampoline {command}: option --nonsense not recognized; see 'trampoline {command} --help'\n")
    if command != "ps":
        status, out, err = place.command(command)
        assert (status, out) == (2, "") and "the number of a process is missing" in err


def test_no_such_process(place: Place) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    for command in "ps", "strace":
        assert place.command(command, gone.pid) == (
            2, "", f"trampoline {command}: there is no process {gone.pid}; 'trampoline ps' lists those that can be asked\n")


def test_a_process_that_is_no_such_program(place: Place) -> None:
    with subprocess.Popen(["sleep", "100"]) as process:
        status, out, err = place.command("ps", process.pid)
        process.kill()
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert err.startswith(f"trampoline ps: process {process.pid} does not offer itself")


def test_a_process_that_has_ended_and_is_not_waited_for(place: Place) -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert place.command("ps", process.pid) == (1, "", f"trampoline ps: process {process.pid} has ended\n")


def test_a_thread(place: Place) -> None:
    program = ("import threading, time\nthread = threading.Thread(target=input)\nthread.start()\n"
               "print('ready', flush=True)\nprint(thread.native_id, flush=True)\n")
    with place.started("-c", program) as process:
        thread = next_line(process)
        assert place.command("ps", thread) == (
            2, "", f"trampoline ps: {thread} is a thread of the process {process.pid}; give that number\n")


def test_a_process_that_ends_in_the_middle_of_the_answer(place: Place) -> None:
    """It has let the tool connect, and is killed before it answers."""
    program = ("import os, signal, socket, sys\nos.mkdir(sys.argv[1], 0o700)\nlistener = socket.socket(socket.AF_UNIX)\n"
               "listener.bind(f'{sys.argv[1]}/{os.getpid()}.sock')\nlistener.listen()\nprint('ready', flush=True)\n"
               "listener.accept()[0].recv(100)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with place.started("-c", program, place.directory) as process:
        with subprocess.Popen([sys.executable, COMMAND, "ps", str(process.pid)], stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONPATH": ":".join(sys.path)}) as tool:
            process.wait(LIMIT)
            assert tool.communicate(timeout=LIMIT)[1] == f"trampoline ps: process {process.pid} has ended\n"
        assert tool.returncode == 1


@pytest.mark.parametrize("answer", [b"", b"rubbish\n", b"[]\n", b'"no"\n', b'{"half":', b"[" * 100_000 + b"\n"],
                         ids=lambda answer: repr(answer[:9]))
def test_a_process_that_answers_with_rubbish(place: Place, answer: bytes) -> None:
    program = ("import os, socket, sys\nos.mkdir(sys.argv[1], 0o700)\nlistener = socket.socket(socket.AF_UNIX)\n"
               "listener.bind(f'{sys.argv[1]}/{os.getpid()}.sock')\nlistener.listen()\nprint('ready', flush=True)\n"
               "while True:\n    with listener.accept()[0] as tool:\n        tool.recv(100)\n"
               f"        tool.sendall({answer[:9]!r} * {len(answer) // 9 + 1} + b'\\n')\n")
    with place.started("-c", program, place.directory) as process:
        assert place.command("ps", process.pid) == (
            1, "", f"trampoline ps: process {process.pid} has broken its answer off; ask again\n")


def test_a_process_that_is_stopped_is_listed(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        process.send_signal(signal.SIGSTOP)
        row = place.row_of(process.pid)
        assert row is not None and row.split()[1:4] == ["?", "?", "?"] and row.endswith("program.py")


def test_stale_sockets_are_removed_and_nothing_else(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        process.kill()
        process.wait()
    assert place.socket_of(process.pid).exists()
    (place.directory / "notes.txt").write_text("")
    (place.directory / "4194999.sock").write_text("no socket")
    assert place.command("ps").err == ""
    assert {"notes.txt"} <= {*os.listdir(place.directory)} <= {"notes.txt", "4194999.sock"}


def test_what_nobody_reads(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        with socket.socket() as unused, subprocess.Popen(
                [sys.executable, COMMAND, "dump", str(process.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": ":".join(sys.path)}) as tool:
            assert tool.stdout is not None and tool.stderr is not None and unused
            tool.stdout.close()
            assert tool.wait(LIMIT) == 1 and tool.stderr.read() == b""


def test_the_tool_itself_is_not_listed(place: Place) -> None:
    status, out, err = place.command("ps", environment={"TRAMPOLINE_INSIGHT": "1"})
    assert (status, err) == (0, "") and "bin/trampoline ps" not in out


def test_the_command_that_is_installed_is_the_one_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    package, _, function = project["project"]["scripts"]["trampoline"].partition(":")
    folder = project["tool"]["setuptools"]["package-dir"][package]
    assert package in project["tool"]["setuptools"]["packages"] and function == "main"
    assert f'"{folder.partition("/")[2]}" / "__init__.py"' in Path(COMMAND).read_text()
