"""`trampoline top` as plain tables: for scripts, and where Textual is not installed."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.interpreters import LIMIT, ended, next_line, started_python
from tests.support.live import WORKING
from tests.support.offered import COMMAND, WAITING_ON_ASYNCIO, Place


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(WORKING)
    return file


def test_tables_of_a_program(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        status, out, err = place.command("top", "-n", "2", "--interval", "0.1", process.pid)
    assert (status, err) == (0, "")
    tables = out.split("\n\n")
    assert len(tables) == 2
    for number, table in enumerate(tables, 1):
        head, work, titles, *rows = table.splitlines()
        assert re.fullmatch(r"native kernel in thread MainThread, (?:idle|running): 14 tasks, \d ready, \d+ timers, 0 descriptors, lag \d+\.\d{3}s", head)
        assert re.fullmatch(rf"[1-9]\d* steps/s, busy \d+%, longest step \S+; lag [▁-█]{{{number + 1}}}", work)
        assert titles.split() == ["ID", "NAME", "STATE", "SINCE", "STEPS", "BUSY%", "BUSY", "LONGEST", "WAITS-FOR", "WHERE"]
        assert re.fullmatch(r" 4  ticker +(?:blocked|ready|running) +(?:0\.\ds|-) +[1-9]\d* +\d+\.\d +\S+s +\S+s  (?:sleep\(0.01\)|-) +program.py:13 in tick", rows[0])
        assert re.fullmatch(r" 3  \[red\]\\x1b\[31mwaiter +blocked +>0\.\ds +0 +- +- +-  <Lock held by task 2 'holder'>.acquire\(\) +"
                            r"program.py:8 in take", rows[3])
        assert rows[6] == "    ... and 8 more like it" and len(rows) == 7


def test_order_filter_tree_and_all(place: Place, program: Path) -> None:
    def names(*options: str) -> list[str]:
        status, out, err = place.command("top", "-n", "1", "--interval", "0.1", *options, process.pid)
        assert (status, err) == (0, "")
        return re.findall(r"^ ?\d+  (.*?) +(?:blocked|ready|running) ", out, re.MULTILINE)

    waiter = "[red]\\x1b[31mwaiter"
    with place.started("-m", "kernel", program) as process:
        assert names("--sort", "id") == ["main", "holder", waiter, "ticker", "session 0", "session 1"]
        assert names("--sort", "ID", "--reverse")[:3] == ["session 9", "session 8", "ticker"]
        assert names("--filter", "(0.01") == ["ticker"]
        assert names("--tree") == ["main", "  holder", "  " + waiter, "  ticker", "  session 0", "  session 1"]
        assert len(names("--all")) == 14


def test_a_program_for_asyncio(place: Place, program: Path) -> None:
    program.write_text(WAITING_ON_ASYNCIO)
    with place.started("-m", "compat", program) as process:
        status, out, err = place.command("top", "-n", "1", "--interval", "0.1", process.pid)
    assert (status, err) == (0, "")
    assert out.startswith("asyncio kernel in thread MainThread, ") and "\n 2  child-0  blocked  >0." in out


def test_a_process_without_a_kernel(place: Place) -> None:
    with place.started("-c", "import kernel\nprint('ready', flush=True)\ninput()", environment={"TRAMPOLINE_INSIGHT": "1"}) as process:
        assert place.command("top", "-n", "1", "--interval", "0.1", process.pid) == (0, "No kernel runs in this process.\n", "")


def test_without_data(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        out = place.command("top", "-n", "1", "--interval", "0.1", "--no-data", process.pid).out
    assert "sleep(...)" in out and "1000" not in out


def test_a_terminal_that_has_only_ascii(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        out = place.command("top", "-n", "1", "--interval", "0.1", process.pid, environment={"PYTHONIOENCODING": "ascii"}).out
    assert re.search(r"longest step \d+us; lag [_.:=+*#-]{2}\n", out)


def test_ctrl_c_and_the_end_of_the_process(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program) as process:
        for end in "ctrl-c", "killed":
            with started_python(COMMAND, "top", "--interval", "0.1", str(process.pid), environment=place.environment) as tool:
                assert next_line(tool).startswith("native kernel")
                if end == "ctrl-c":
                    tool.send_signal(signal.SIGINT)
                    assert ended(tool)[::2] == (0, "")
                    assert process.poll() is None
                else:
                    process.kill()
                    process.wait()
                    assert ended(tool)[::2] == (1, f"trampoline top: process {process.pid} has ended\n")


@pytest.mark.parametrize("options, reason", [
    (["-n", "0"], "-n takes the number of tables to write, 1 or more, not '0'"),
    (["-n", "some"], "-n takes the number of tables to write, 1 or more, not 'some'"),
    (["--interval", "0"], "--interval takes a number of seconds from 0.1 to 3600, not '0'"),
    (["--interval", "nan"], "--interval takes a number of seconds from 0.1 to 3600, not 'nan'"),
    (["--interval", "soon"], "--interval takes a number of seconds from 0.1 to 3600, not 'soon'"),
    (["--sort", "size"], "--sort size: there is no such column; there are ID, NAME, STATE, SINCE, STEPS, BUSY%, BUSY, LONGEST, "
                         "WAITS-FOR, WHERE")], ids=" ".join)
def test_options_that_mean_nothing(place: Place, options: list[str], reason: str) -> None:
    assert place.command("top", *options, 1) == (2, "", f"trampoline top: {reason}; see 'trampoline top --help'\n")


@contextmanager
def answering(place: Place, *lines: bytes) -> Iterator[int]:
    """A process that answers with these lines to whatever it is asked; its number."""
    program = ("import os, socket, sys\nos.mkdir(sys.argv[1], 0o700)\nlistener = socket.socket(socket.AF_UNIX)\n"
               "listener.bind(f'{sys.argv[1]}/{os.getpid()}.sock')\nlistener.listen()\nprint('ready', flush=True)\n"
               "connection, _ = listener.accept()\nconnection.recv(1000)\nfor line in sys.argv[2:]:\n"
               "    connection.sendall(line.encode() + b'\\n')\nsys.stdin.read()\n")
    with place.started("-c", program, str(place.directory), *[line.decode() for line in lines]) as process:
        yield process.pid


def test_a_program_of_a_version_that_knows_nothing_of_it(place: Place) -> None:
    said = "nothing is known here of 'top': the program and the tool are of different versions"
    with answering(place, f'{{"error": "{said}"}}'.encode()) as pid:
        assert place.command("top", pid) == (2, "", f"trampoline top: process {pid} has answered: {said}\n")


@pytest.mark.parametrize("line, reason", [
    (b"[]", "has broken its answer off"), (b"nonsense", "has broken its answer off"), (b"[" * 5000, "has broken its answer off"),
    (b"{}", "has sent what this tool does not understand: a line has other parts than it should have"),
    (b'{"error": "it \\u001b[31mfailed"}', "has answered: it \\x1b[31mfailed")], ids=["list", "word", "deep", "empty", "error"])
def test_a_process_that_answers_nonsense(place: Place, line: bytes, reason: str) -> None:
    with answering(place, b"{}", line) as pid:
        status, out, err = place.command("top", pid)
        assert status in (1, 2) and out == "" and err.startswith("trampoline top: process ") and reason in err
        assert err.count("\n") == 1


class Terminal:
    """A terminal on which the tool writes, and what has been written there."""

    def __init__(self, columns: int, lines: int) -> None:
        try:
            self._ours, self.theirs = pty.openpty()
        except OSError as error:  # as in a chroot without /dev/pts
            pytest.skip(f"there are no terminals here: {error}")
        subprocess.run(["stty", "rows", str(lines), "cols", str(columns)], stdin=self.theirs, check=True)
        self.written = b""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 1 << 16)
            except OSError:  # the other end is closed
                return
            with self._changed:
                self.written += piece
                self._changed.notify_all()

    def until(self, times: int, text: bytes) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.written.count(text) >= times, LIMIT), self.written


@pytest.mark.parametrize("installed", [None, "1.0.0"])
def test_a_terminal_without_textual_or_with_an_old_one(place: Place, program: Path, installed: str | None) -> None:
    hidden = program.parent / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        f"import importlib.metadata as metadata\nfind, installed = metadata.version, {installed!r}\ndef version(name):\n"
        "    if name != 'textual':\n        return find(name)\n"
        "    if installed is None:\n        raise metadata.PackageNotFoundError(name)\n    return installed\n"
        "metadata.version = version\n")
    terminal = Terminal(80, 9)
    environment = {**os.environ, **place.environment, "PYTHONPATH": os.pathsep.join([str(hidden), *sys.path])}
    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        with subprocess.Popen([sys.executable, COMMAND, "top", "--interval", "0.1", str(process.pid)], env=environment,
                              stdin=terminal.theirs, stdout=terminal.theirs, stderr=subprocess.PIPE, text=True) as tool:
            os.close(terminal.theirs)
            terminal.until(4, b"\33[2J")
            tool.send_signal(signal.SIGINT)
            _, err = tool.communicate(timeout=LIMIT)
    assert tool.returncode == 0 and err.count("\n") == 1
    assert err.startswith("trampoline top: this is the plain table; ") and "pip install 'trampoline-kernel[top]'" in err
    tables = terminal.written.decode().split("\33[H\33[2J\33[3J")[1:-1]
    assert len(tables) >= 3
    for table in tables:
        lines = table.replace("\r\n", "\n").splitlines()
        assert len(lines) == 8 and max(map(len, lines)) <= 80 and "\33" not in table


def test_plain_tables_on_a_terminal_if_they_are_asked_for(place: Place, program: Path) -> None:
    terminal = Terminal(200, 40)
    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        with subprocess.Popen([sys.executable, COMMAND, "top", "--plain", "-n", "2", "--interval", "0.1", str(process.pid)],
                              env={**os.environ, **place.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
                              stdin=terminal.theirs, stdout=terminal.theirs, stderr=subprocess.PIPE) as tool:
            os.close(terminal.theirs)
            assert tool.communicate(timeout=LIMIT)[1] == b"" and tool.returncode == 0
            terminal.until(2, b"... and 8 more like it")
