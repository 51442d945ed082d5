"""`pytest --compat-loop --explore RUNS`: each test runs a small suite with it, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import getsource
from pathlib import Path

import pytest

from kernel.recordings.reading import read
from tests.support.paths import ROOT
from tests.support.racing import asyncio_race

SUITE = f"""
import asyncio, unittest, pytest

RUNS = {{}}

def count(name):
    RUNS[name] = RUNS.get(name, 0) + 1

async def test_that_holds():
    count("holds")
    await asyncio.sleep(3600)

{getsource(asyncio_race)}
async def test_with_a_race():
    await asyncio_race()

def test_that_is_not_async():
    count("not async")

class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        count("case")
        await asyncio.sleep(1)

    async def test_of_unittest(self):
        await asyncio_race()

@pytest.mark.explore(runs=7)
async def test_with_a_marker():
    count("marker")

@pytest.mark.explore(runs=0)
def test_left_out():
    count("left out")

@pytest.fixture(scope="module")
def shared():
    count("shared")

async def test_with_a_fixture(shared):
    count("fixture")

@pytest.mark.explore(runs=5, strategy="exhaustive", bound=1)
async def test_to_its_end():
    await asyncio.wait_for(asyncio.sleep(0.1), 5)

async def test_that_is_skipped():
    count("skipped")
    pytest.skip("not today")

@pytest.mark.xfail
async def test_that_is_to_fail():
    count("xfail")
    assert False

def test_at_the_end():
    print(RUNS)
"""


def session(directory: Path, suite: str, *options: str, status: int = 0) -> str:
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_suite.py").write_text(suite)
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "compat.plugin", "-p", "no:cacheprovider", *options],
                          cwd=directory, capture_output=True, text=True, timeout=50,
                          env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_each_async_test_runs_often(tmp_path: Path) -> None:
    output = session(tmp_path, SUITE, "--compat-loop", "--explore", "50", "-rA", "-s", status=1)
    assert "FAILED test_suite.py::test_with_a_race - " in output
    assert "FAILED test_suite.py::Case::test_of_unittest - " in output
    assert "2 failed, 7 passed, 1 skipped, 1 xfailed" in output
    counts = dict(re.findall(r"'([\w ]+)': (\d+)", output))
    assert counts.pop("case").isdigit()
    assert counts == {"holds": "50", "not async": "1", "marker": "7", "left out": "1", "shared": "50", "fixture": "50",
                      "skipped": "1", "xfail": "1"}
    assert re.search(r"\nexplored: 8 tests, \d+ runs\n", output)


def test_a_failure_has_its_story_and_the_command_that_repeats_it(tmp_path: Path) -> None:
    output = session(tmp_path, SUITE, "--compat-loop", "--explore", "200", "-k", "with_a_race", status=1)
    assert "assert len(done) != 1" in output
    assert re.search(r"- Explored -+\nfound in run \d+ \(portfolio, seed \d+\):\n  exception: AssertionError", output)
    assert "\nin the quiet schedule, but for:\n  at 0 s the process sleeps until 0.5 s, so that the sleep of task " \
        "'worker' and the sleep of task 'Task-" in output
    command = re.search(r"repeat it: pytest '(\S+)' (.*)", output)
    assert command is not None
    again = session(tmp_path, SUITE, command[1], *command[2].split(), status=1)
    assert "found in the run of a tape" in again and "1 failed" in again
    changed = SUITE.replace("await asyncio.sleep(0.3)", "pass")
    mended = session(tmp_path, changed, command[1], *command[2].split(), status=4)
    assert "--explore-tape: the tape does not fit this program: choice " in mended


def test_cancellations_that_the_exploration_asks_for(tmp_path: Path) -> None:
    suite = """
import asyncio, pytest, unittest

class TestOfServer(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.questions, self.answers = asyncio.Queue(), asyncio.Queue()
        self.server = asyncio.create_task(self.serve(), name="server")

    async def serve(self):
        while True:
            self.answers.put_nowait(await self.questions.get() + 1)

    async def asyncTearDown(self):
        self.server.cancel()  # also when the test has failed

    async def test_in_a_while(self):
        self.questions.put_nowait(1)
        await asyncio.sleep(0.1)
        assert self.answers.get_nowait() == 2

    async def test_that_waits(self):
        self.questions.put_nowait(1)
        assert await self.answers.get() == 2

class Pool:
    free = 1

    async def use(self):
        self.free -= 1
        await asyncio.sleep(0)
        self.free += 1

async def used(pool):
    task = asyncio.create_task(pool.use(), name="user")
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    return task

pytestmark = pytest.mark.explore(strategy="cancel")

async def test_that_ends_with_its_task():
    await (await used(Pool()))

async def test_that_misses_a_connection():
    pool = Pool()
    await used(pool)
    assert pool.free
"""
    output = session(tmp_path, suite, "--compat-loop", "--explore", "100", status=1)
    assert "1 failed, 3 passed" in output
    assert "test_that_ends_with_its_task: complete: 2 cancellations at 2 suspensions of 1 task; and " in output
    assert re.search(r"task 'user', which is ready, at .* is cancelled \(by the exploration: the program cancels it "
                     r"elsewhere, at \S*test_suite.py:\d+ in used\)", output)
    command = re.search(r"repeat it: pytest '(\S+)' (.*)", output)
    assert command is not None
    again = session(tmp_path, suite, command[1], *command[2].split(), status=1)
    assert "found in the run of a tape" in again


def test_the_tape_of_a_failure_is_tried_first(tmp_path: Path) -> None:
    session(tmp_path, SUITE, "--compat-loop", "--explore", "200", "-k", "with_a_race", status=1)
    recording, tape = sorted((tmp_path / ".explore").iterdir())
    assert (recording.name, tape.name) == ("test_suite.py-test_with_a_race.rec", "test_suite.py-test_with_a_race.tape")
    assert read(recording).damage is None
    output = session(tmp_path, SUITE, "--compat-loop", "--explore", "1", "-k", "with_a_race", status=1)
    assert "found in the run of a tape" in output
    changed = SUITE.replace("asyncio.sleep(0.3)", "asyncio.sleep(0.6)")  # the program, so that the tape does not fit
    session(tmp_path, changed, "--compat-loop", "--explore", "1", "-k", "with_a_race")
    tape.write_text("no tape")
    session(tmp_path, SUITE, "--compat-loop", "--explore", "1", "-k", "with_a_race")


def test_the_same_seed_finds_it_again(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        for tape in tmp_path.glob(".explore/*"):
            tape.unlink()
        output = session(tmp_path, SUITE, "--compat-loop", "--explore", "200", "--explore-seed", "17",
                         "-k", "with_a_race", status=1)
        found += re.findall(r"found in .* seed \d+\)", output)
    assert len(found) == 2 and found[0] == found[1] and "seed 17" in found[0]


def test_what_no_test_notices_fails_it(tmp_path: Path) -> None:
    suite = """
import asyncio, pytest

async def test_leaves_a_task():
    asyncio.create_task(asyncio.sleep(1), name="left")

async def test_forgets_to_await():
    asyncio.sleep(1)

async def test_starts_a_process():
    try:
        await asyncio.create_subprocess_exec("true")
    except Exception:
        pass

@pytest.mark.explore(checks=["exception"])
async def test_may_leave_a_task():
    asyncio.create_task(asyncio.sleep(1), name="left")
"""
    output = session(tmp_path, suite, "--compat-loop", "--explore", "5", status=1)
    assert "3 failed, 1 passed" in output
    assert "leftover: the program has ended, and left behind" in output and "never awaited: coroutine 'sleep'" in output
    assert "\nleave it out: @pytest.mark.explore(runs=0)\n" in output
    assert "unsimulated: a simulated run refuses subprocess.Popen() at" in output and "test_suite.py:12" in output


@pytest.mark.parametrize("options, complaint", [
    (["--explore", "5"], "--explore needs --compat-loop"),
    (["--compat-loop", "--explore", "0"], "--explore takes a number of runs from 1 on, not 0"),
    (["--compat-loop", "--explore-tape", "none.tape"], "--explore-tape: [Errno 2] No such file"),
    (["--compat-loop", "--explore-tape", "test_suite.py"], "test_suite.py is no tape")])
def test_wrong_options(tmp_path: Path, options: list[str], complaint: str) -> None:
    output = session(tmp_path, SUITE, *options, status=4)
    assert complaint in output and "Traceback" not in output


@pytest.mark.parametrize("marker, complaint", [
    ("explore(5)", "takes its arguments by their names"), ("explore(strategy='luck')", "there is no strategy 'luck'"),
    ("explore(colour='red')", "colour")])
def test_wrong_markers(tmp_path: Path, marker: str, complaint: str) -> None:
    suite = f"import pytest\n@pytest.mark.{marker}\nasync def test_it(): pass\n"
    output = session(tmp_path, suite, "--compat-loop", "--explore", "5", status=4)
    assert complaint in output and "INTERNALERROR" not in output


def test_without_the_option_nothing_is_explored(tmp_path: Path) -> None:
    suite = "def test_it():\n    import sys\n    assert 'kernel.sim' not in sys.modules\n"
    output = session(tmp_path, suite, "--compat-loop")
    assert "explored" not in output


def test_a_suite_with_the_marker_runs_without_the_option(tmp_path: Path) -> None:
    suite = "import pytest\n@pytest.mark.explore(runs=5)\ndef test_it(): pass\n"
    assert "1 passed" in session(tmp_path, suite, "--strict-markers")


def test_a_tape_is_repeated_with_the_settings_of_its_run(tmp_path: Path) -> None:
    suite = """
import asyncio, pytest

@pytest.mark.explore(order="any")
async def test_order():
    order = []

    async def note(number):
        order.append(number)

    await asyncio.gather(*map(note, range(3)))
    assert order == [0, 1, 2]
"""
    session(tmp_path, suite, "--compat-loop", "--explore", "100", status=1)
    tape, = (tmp_path / ".explore").glob("*.tape")
    plain = suite.replace('@pytest.mark.explore(order="any")', "")
    output = session(tmp_path, plain, "--compat-loop", "--explore-tape", str(tape), status=1)
    assert "found in the run of a tape" in output and "runs before" in output


def test_an_error_when_a_wider_fixture_is_taken_down_is_that_of_the_test_before(tmp_path: Path) -> None:
    suite = """
import pytest

@pytest.fixture(scope="module")
def shared():
    yield
    print("taken down")
    raise ValueError("of the fixture")

def test_before(shared):
    pass

async def test_explored():
    pass

def test_after():
    pass
"""
    output = session(tmp_path, suite, "--compat-loop", "--explore", "3", "-rA", status=1)
    assert "3 passed, 1 error in " in output and "explored: 1 tests, 3 runs" in output
    assert "ERROR test_suite.py::test_before - ValueError: of the fixture" in output
    assert "- Captured stdout teardown -" in output and "taken down" in output
