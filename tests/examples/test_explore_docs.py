"""What docs/explore.md shows is what happens: its programs are run, and its sessions typed."""

from __future__ import annotations

import re
import sys
from inspect import isfunction
from pathlib import Path

import pytest

from compat.plugin import exploring
from kernel.sim import KINDS, STRATEGIES, Settings, world
from kernel.sim import __all__ as offered
from kernel.sim.network.faults import FAULTS
from tests.sim.corpus.bugs import BUGS
from tests.support.offered import Place
from tests.support.paths import ROOT
from tests.support.sessions import blocks, check_session, save_programs

PAGE = (ROOT / "docs" / "explore.md").read_text()
SESSIONS = blocks(PAGE, "console")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the sessions are typed: there are the programs of the page."""
    save_programs(PAGE, tmp_path)
    return tmp_path


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: re.sub(r"\n.*", "", session, flags=re.DOTALL)[2:])
def test_a_session(place: Place, directory: Path, session: str) -> None:
    if session.startswith("$ python3.11 ") and sys.version_info[:2] != (3, 11):
        pytest.skip("it is about Python 3.11")
    check_session(session, place, directory)


def test_every_program_is_in_a_session(tmp_path: Path) -> None:
    typed = " ".join(SESSIONS)
    assert [name for name in save_programs(PAGE, tmp_path) if f" {name}\n" not in typed] == []


def test_all_that_there_is_is_named() -> None:
    functions = [name for name, value in vars(world).items() if isfunction(value) and value.__module__ == world.__name__
                 and not name.startswith("_")]
    methods = [name for kind in (world.Host, world.Disk) for name in vars(kind) if not name.startswith("_")]
    for names in KINDS, STRATEGIES, Settings.__annotations__, offered, FAULTS, functions, methods:
        assert [name for name in names if not re.search(rf"\b{name}\b", PAGE)] == []


def test_the_marker_has_the_arguments_that_are_named() -> None:
    arguments = re.search(r"`@pytest\.mark\.explore\(([^)]{20,})\)`", PAGE)
    assert arguments is not None
    assert set(re.findall(r"\w+(?==)", arguments[1])) == {
        "runs", "seed", "jobs", *exploring.DEFAULTS, *Settings.__annotations__}


def test_the_table_has_all_published_bugs() -> None:
    assert re.findall(r"^\| (.+?) \| \d+ of 20 \|", PAGE, re.MULTILINE) == [bug.published for bug in BUGS.values()]


def test_the_links() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if not link.startswith("https://")]
    headings = {"#" + heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ ([\w ]+)$", PAGE, re.MULTILINE)}
    assert links
    assert [link for link in links if link not in headings and not (ROOT / "docs" / link).exists()] == []
