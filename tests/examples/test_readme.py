"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.interpreters import run_python
from tests.support.offered import Place
from tests.support.paths import ROOT
from tests.support.sessions import blocks, check_session

README = (ROOT / "README.md").read_text()


def printed(*arguments: str) -> str:
    status, out, err = run_python(*arguments)
    assert (status, err) == (0, "")
    return out


def test_the_programs(tmp_path: Path) -> None:
    native, facade, *_ = blocks(README, "python")
    file = tmp_path / "hello.py"
    file.write_text(native)
    lines = printed("-m", "kernel", str(file)).splitlines()
    assert lines[0] == "0" and re.fullmatch(r"21 letters in \d+\.\d s", lines[-1])
    assert sorted(lines[1:-1]) == ["1", "2", "hello quick world", "hello slow world"]
    file.write_text(facade)
    assert printed(str(file)) == "hello quick world\nhello slow world\n"
    file.write_text(facade.replace("import compat as asyncio", "import asyncio")
                    + "print(type(asyncio.new_event_loop()).__module__)\n")
    assert printed("-m", "compat", str(file)) == "hello quick world\nhello slow world\ncompat.events\n"


def test_the_tour() -> None:
    assert "    python3 -m kernel examples/tour.py\n" in README
    out = printed("-m", "kernel", "examples/tour.py")
    chapters = re.findall(r"^(\d)\. (\w+)\.", out, re.MULTILINE)
    assert chapters == [("1", "Tasks"), ("2", "Generators"), ("3", "Cancellation"), ("4", "Deadlines"),
                        ("5", "Sockets")]
    for event in ("main:      soup and bread", "main:      the generator returned 'lift-off'",
                  "digger:    putting the spade away", "main:      after 0.3 s the alarm has cancelled the worker",
                  "main:      the echo is b'hello, kernel'"):
        assert event in out


def test_a_program_that_hangs(place: Place) -> None:
    session, *_ = blocks(README, "console")
    check_session(session, place, ROOT)


@pytest.mark.parametrize(("name", "place_on_page"), [("race.py", -2), ("votes.py", -1)])
def test_a_program_that_is_explored(place: Place, tmp_path: Path, name: str, place_on_page: int) -> None:
    (tmp_path / name).write_text(blocks(README, "python")[place_on_page])
    check_session(blocks(README, "console")[place_on_page], place, tmp_path)


def test_the_links() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []
