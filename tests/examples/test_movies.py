"""The movies of the documentation: they are what their programs do, and they show what the programs say of themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from docs.movies.catalogue import FOLDERS, MADE_TO_BE_WATCHED, MOVIES, THREE_STYLES, WITH_HOSTS
from docs.movies.make import parts_of
from kernel.recordings.movies import movie
from kernel.recordings.reading import Recording
from tests.support.interpreters import Process, ended, run_python, started_python
from tests.support.paths import ROOT
from tests.support.stories import deeds, story

FOLDER = ROOT / "docs" / "movies"
INDEX = (FOLDER / "index.html").read_text()
STALE = "the page of a movie or one of the programs has changed: run `make movies`"


def page_of(name: str) -> str:
    return (FOLDER / f"{name}.html").read_text()


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="recording">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("name", MOVIES)
def test_a_movie_is_what_its_program_does_now(name: str) -> None:
    """To the byte, with any Python: nothing of the machine and of the run is in it."""
    status, out, err = run_python("-m", "docs.movies.make", "--print", name)
    assert status == 0, err
    assert data_of(out) == data_of(page_of(name)), STALE
    assert out == page_of(name), STALE


def test_the_parts_that_the_movies_share_are_those_of_the_page_now() -> None:
    assert parts_of(movie(Recording({"begin": 0}))) == (
        (FOLDER / "movie.css").read_text(), (FOLDER / "movie.js").read_text()), STALE


@pytest.mark.parametrize("name", MOVIES)
def test_a_movie_shows_the_source_of_its_program(name: str) -> None:
    data = data_of(page_of(name))
    program = MOVIES[name].program
    assert data["sources"][program] == (ROOT / program).read_text()
    assert [file for file in data["sources"] if not (ROOT / file).is_file()] == []
    assert data["title"] == Path(program).name
    assert [kernel["clock"] for kernel in data["kernels"]] == ["virtual"]


@pytest.mark.parametrize("name", MOVIES)
def test_nothing_of_the_machine_is_in_a_movie(name: str) -> None:
    data = data_of(page_of(name))
    assert data["python"] == "" and data["begin"] == 0
    found = re.findall(r"0x[0-9a-f]{6,}|(?<![\w.*])/(?:home|root|tmp|usr|work)/\S*", json.dumps({**data, "sources": {}}))
    assert found == []


def test_the_index_lists_each_movie_once() -> None:
    links = re.findall(r'href="([^"]+)"', INDEX)
    assert sorted(link for link in links if link.endswith(".html")) == sorted(f"{name}.html" for name in MOVIES)
    assert [link for link in links if not (FOLDER / link).exists()] == []
    assert {path.name for path in FOLDER.glob("*.html")} == {f"{name}.html" for name in MOVIES} | {"index.html"}


def test_the_programs_that_are_made_to_be_watched_all_are() -> None:
    folder = ROOT / "examples" / "movies"
    assert {path.stem for path in folder.glob("*.py")} == {*MADE_TO_BE_WATCHED, *WITH_HOSTS}
    for path in folder.glob("*.py"):
        command = "PYTHONPATH=. python3" if path.stem in WITH_HOSTS else "python3 -m kernel"
        assert f"\n    {command} examples/movies/{path.name}\n" in path.read_text().split('"""')[1]


def test_a_movie_that_there_is_not() -> None:
    status, out, err = run_python("-m", "docs.movies.make", "clock", "tour")
    assert (status, out) == (1, "")
    assert err.startswith("there is no movie clock; there are tour, simple_coroutine-native, ")


def test_the_readme_shows_a_movie_and_says_how_to_make_one(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    picture = (FOLDER / "deadlock.webp").read_bytes()
    assert "](docs/movies/deadlock.webp)](docs/movies/index.html)" in readme
    assert picture[8:12] == b"WEBP" and b"ANIM" in picture[:64] and len(picture) <= 300_000
    command, = re.findall(r"^    python3 (-m kernel --movie .*)$", readme, re.MULTILINE)
    page = tmp_path / "movie.html"
    program = ROOT / "examples" / "kernel" / "simple_coroutine.py"
    arguments = {"movie.html": str(page), "FILE.py": str(program)}
    status, out, err = run_python(*(arguments.get(word, word) for word in command.split()))
    assert (status, out, err) == (0, "hello world\n", "")
    assert data_of(page.read_text())["title"] == program.name


# The lesson of the table: three styles, and underneath the same.


@pytest.mark.parametrize("program", THREE_STYLES)
def test_asyncio_and_legacy_are_the_same_to_the_kernel(program: str) -> None:
    assert story(f"{program}-asyncio") == story(f"{program}-legacy")


@pytest.mark.parametrize("program", THREE_STYLES)
def test_in_all_styles_tasks_sleep_and_end_at_the_same_times(program: str) -> None:
    """But for who ends the program: that is `main`, or a task of its own, or nobody. Two deeds of one instant may swap."""
    told = [sorted(deed for deed in deeds(story(f"{program}-{style}")) if deed[1] not in ("main", "stop_after"))
            for style in FOLDERS]
    assert told[0] == told[1] == told[2]
    assert len(told[0]) >= 2


def test_what_the_three_styles_tell() -> None:
    assert list(deeds(story("creating_tasks-asyncio"))) == [
        (0, "say", "sleep(2)"), (0, "say", "sleep(1)"), (1, "say", "is done"), (2, "say", "is done")]
    assert list(deeds(story("clock-legacy"))) == [
        (0, "print_every_second", "sleep(1)"), (0, "print_every_minute", "sleep(60)"),
        *((float(second), "print_every_second", "sleep(1)") for second in range(1, 6))]


def test_a_program_that_runs_for_ever_is_stopped_by_ctrl_c() -> None:
    assert "wake main by Ctrl-C" in story("clock-native")
    assert story("creating_tasks-native")[-5:-3] == ["clock 3", "wake main by Ctrl-C"]


# Each program shows what its docstring promises.


def follow(lines: list[str], *wanted: str) -> bool:
    """Whether these lines come in this order, perhaps with others between them."""
    rest = iter(lines)
    return all(line in rest for line in wanted)


def test_the_line_at_the_lock_grows_and_then_shrinks() -> None:
    lines = story("lock_convoy")
    waits = [f"ask {name} Lock.acquire() at pay blocked thing 1" for name in ("Bob", "Cid", "Dora")]
    assert follow(lines, "thing 1 Lock held by task 2 'Ann'", *waits, "wake Bob by task 2 'Ann'",
                  "thing 1 Lock held by task 3 'Bob'", "wake Cid by task 3 'Bob'", "wake Dora by task 4 'Cid'")
    released = lines.index("wake Bob by task 2 'Ann'")
    assert all(lines.index(wait) < released for wait in waits)


def test_two_forks_and_two_diners_make_a_circle() -> None:
    assert follow(story("deadlock"), "ask Ann Lock.acquire() at dine blocked thing 2",
                  "ask Bob Lock.acquire() at dine blocked thing 1", "deadlock", "exit main was cancelled: Cancelled")
    assert [deadlock["tasks"] for deadlock in data_of(page_of("deadlock"))["deadlocks"]] == [[1, 2, 3]]


def test_a_group_cancels_the_siblings_which_clean_up() -> None:
    assert follow(story("cancelled_group"), "exit engine raised RuntimeError: out of fuel", "wake pilot by task 4 'engine'",
                  "wake steward by task 4 'engine'", "ask pilot sleep(1) at fly blocked until 3",
                  "exit pilot was cancelled: Cancelled", "wake main by task 3 'steward'", "exit main returned")


def test_the_races_are_decided_by_a_thousandth_of_a_second() -> None:
    assert follow(story("close_race"), "clock 0.999", "wake hare by a timer", "exit hare returned 'the answer'", "clock 1",
                  "wake tortoise by a timer", "resume tortoise ! Cancelled", "exit tortoise returned 'too late'")


def test_words_go_to_the_server_and_back() -> None:
    lines = story("three_clients")
    assert follow(lines, "ask Ann connection.read() at talk blocked", "resume Ann = b'hello'", "resume Ann = b'goodbye'",
                  "exit Ann returned")
    served = [line for line in lines if re.fullmatch(r"spawn handle the connection to 127\.0\.0\.1:77\d\d by .*", line)]
    assert len(served) == 3
    acceptor = "accept at the server at 127.0.0.1:7777"
    assert f"ask {acceptor} server.accept() at Server._accept blocked" in lines


def test_workers_wait_for_jobs_and_then_jobs_for_workers() -> None:
    assert follow(story("two_workers"), "ask Ann Queue.get() at work blocked thing 1", "wake Ann by task 1 'main'",
                  "thing 1 Queue with 2 of 2 items", "ask main Queue.put(...) at main blocked thing 1",
                  "wake main by task 2 'Ann'", "exit Bob returned", "exit main returned")


def test_a_crash_between_the_payment_and_the_receipt() -> None:
    lines = story("paid_twice")
    order, receipt = "what main:32768 sends to bank:7777 b'10 to Bob;'", "what bank:7777 sends to main:32769 b'paid'"
    assert follow(lines, f"sent main->bank {order}", f"arrived main->bank {order}", "crashed bank without power",
                  "started bank again", f"arrived main->bank {order.replace('32768', '32769')}", f"sent bank->main {receipt}",
                  f"arrived bank->main {receipt}", "exit main returned")
    assert run_python("examples/movies/paid_twice.py") == (0, "paid - 10 to Bob;10 to Bob;\n", "")


# They are programs as all examples are, on a real clock; side by side, so that it takes no longer than the longest.

PRINTED = {
    "cancelled_group": "the flight has ended: out of fuel\n",
    "close_race": "hare: the answer\ntortoise: too late\n",
    "deadlock": "",
    "lock_convoy": "Ann has paid\nBob has paid\nCid has paid\nDora has paid\n",
    "three_clients": "",
    "two_workers": "".join(f"{job} is done\n" for job in ("wash", "cook", "iron", "sweep", "bake", "mend")),
}


@pytest.fixture(scope="module")
def processes() -> Iterator[dict[str, Process]]:
    with ExitStack() as stack:
        yield {program: stack.enter_context(started_python("-X", "dev", "-m", "kernel", f"examples/movies/{program}.py"))
               for program in MADE_TO_BE_WATCHED}


@pytest.mark.parametrize("program", MADE_TO_BE_WATCHED)
def test_a_program_on_a_real_clock(processes: dict[str, Process], program: str) -> None:
    status, out, err = ended(processes[program])
    assert out == PRINTED[program]
    if program == "deadlock":
        assert status == 1 and "kernel.deadlock.Deadlock: nothing is left that could wake the blocked tasks:" in err
    else:
        assert (status, err) == (0, "")
