"""`pytest --explore-jobs N`, and the line that shows progress on a terminal."""

from __future__ import annotations

import multiprocessing
import os
import pty
import re
import signal
import subprocess
import sys
from inspect import getsource
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.racing import asyncio_race

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="it needs os.fork")

SUITE = """
import asyncio, os, pytest

@pytest.fixture
def shared(tmp_path):
    (tmp_path / "file").write_text("text")
    return tmp_path

async def test_that_holds(shared, capsys):
    print("said in", os.getpid())
    assert capsys.readouterr().out.startswith("said in")
    print("and more")
    os.write(1, b"and yet more\\n")
    await asyncio.wait([asyncio.create_task(asyncio.sleep(one)) for one in (0.1, 0.3)])

""" + getsource(asyncio_race) + """
async def test_with_a_race():
    await asyncio_race()

@pytest.mark.explore(strategy="exhaustive", bound=1)
async def test_to_its_end():
    await asyncio.wait_for(asyncio.sleep(0.1), 5)

PARENT = os.getpid()

async def test_that_dies():
    await asyncio.sleep(1)
    if os.getpid() != PARENT:
        os._exit(7)

async def test_that_ends_the_session():
    await asyncio.sleep(1)
    if os.getpid() != PARENT:
        pytest.exit("enough")

@pytest.mark.explore(runs=10**9, seconds=2)
async def test_that_takes_long():
    await asyncio.wait_for(asyncio.sleep(0.1), 5)

@pytest.mark.explore(runs=10**9)
async def test_without_end():
    await asyncio.wait_for(asyncio.sleep(0.1), 5)
"""
COMMAND = [sys.executable, "-m", "pytest", "-p", "compat.plugin", "-p", "no:cacheprovider", "--compat-loop",
           "--explore"]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm",
               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def session(suite: Path, *options: str, status: int = 0) -> str:
    done = subprocess.run([*COMMAND, *options], cwd=suite, capture_output=True, text=True, timeout=100, env=ENVIRONMENT)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_runs_are_made_in_processes(suite: Path, capture: str) -> None:
    output = session(suite, "201", "--explore-jobs", "2", "-k", "holds", "--capture", capture)
    assert "1 passed" in output and "explored: 1 tests, 201 runs" in output
    # "sys" does not see what the program writes to the descriptor itself. The parent makes the first run.
    assert capture == "no" or output.count("yet more") == (capture == "sys")


def test_what_a_process_finds_is_shrunk_told_and_kept(suite: Path) -> None:
    output = session(suite, "200", "--explore-jobs", "2", "-k", "with_a_race", status=1)
    assert "assert len(done) != 1" in output and re.search(r"found in run \d+ \(portfolio", output)
    assert "\nin the quiet schedule, but for:\n  at 0 s the process sleeps until 0.5 s" in output
    assert "found in the run of a tape" in session(suite, "1", "--explore-jobs", "2", "-k", "with_a_race", status=1)


def test_the_parts_are_complete_together(suite: Path) -> None:
    lines = [re.findall(r"complete: .*", session(suite, "1000", "--explore-jobs", jobs, "-k", "to_its_end"))
             for jobs in "13"]
    assert len(lines[0]) == 1 and lines[0] == lines[1]


def test_a_process_that_dies_fails_the_test(suite: Path) -> None:
    output = session(suite, "100", "--explore-jobs", "2", "-k", "dies", status=1)
    assert re.search(r"died: process [12] of 2 has ended with exit status 7 in the middle of a run", output)
    assert "repeat it" not in output


def test_what_ends_the_session_in_a_process_ends_it(suite: Path) -> None:
    output = session(suite, "100", "--explore-jobs", "2", "-k", "ends_the_session", status=2)
    assert "Exit: enough" in output and "explored: 1 tests, " in output


@pytest.mark.parametrize("jobs", ["0", "-2"])
def test_wrong_numbers(suite: Path, jobs: str) -> None:
    output = session(suite, "5", "--explore-jobs", jobs, status=4)
    assert f"--explore-jobs: an exploration takes a number of jobs from 1 on, not {jobs}" in output


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_progress_is_shown_on_a_terminal_and_ctrl_c_tells_what_was_found(suite: Path, jobs: str) -> None:
    terminal, inside = pty.openpty()
    with subprocess.Popen([*COMMAND, "5", "--explore-jobs", jobs, "-k", "without_end"], cwd=suite, env=ENVIRONMENT,
                          stdin=inside, stdout=inside, stderr=inside, start_new_session=True) as process:
        os.close(inside)
        output = b""
        while b" states" not in output:
            output += os.read(terminal, 10_000)
        os.killpg(process.pid, signal.SIGINT)
        try:
            while more := os.read(terminal, 10_000):
                output += more
        except OSError:
            pass  # Linux says so when the last one has closed the other end
        assert process.wait() == 2
    os.close(terminal)
    text = output.decode()
    assert re.search(r"\r\x1b\[Ktest_suite.py::test_without_end: [\d,]+ runs, [\d,]+ runs a second, \d+ states", text)
    assert re.search(r"test_without_end: no failure in [\d,]+ runs", text) and "interrupted by Ctrl-C" in text
    assert re.search(r"explored: 1 tests, [\d,]+ runs", text) and "Traceback" not in text


def test_nothing_is_shown_where_there_is_no_terminal(suite: Path) -> None:
    output = session(suite, "5", "-k", "takes_long")
    assert "runs a second" not in output and "\r" not in output
