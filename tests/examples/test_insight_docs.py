"""What docs/insight.md shows is what happens: its programs are run, and its sessions typed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kernel.insight import __all__ as offered
from tests.support.interpreters import run_python
from tests.support.offered import Place
from tests.support.paths import ROOT
from tests.support.sessions import blocks, check_session, save_programs

TOUR = (ROOT / "docs" / "insight.md").read_text()
SESSIONS = blocks(TOUR, "console")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the sessions are typed: there are the programs of the page, and the examples."""
    save_programs(TOUR, tmp_path)
    shutil.copytree(ROOT / "examples" / "hangs", tmp_path / "examples" / "hangs")
    return tmp_path


@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_a_session(place: Place, directory: Path, number: int) -> None:
    check_session(SESSIONS[number], place, directory)


def test_the_programs_are_in_sessions_or_run_by_themselves(place: Place, tmp_path: Path) -> None:
    typed = " ".join(SESSIONS)
    for name in save_programs(TOUR, tmp_path):
        if f" {name}\n" not in typed:
            assert run_python(name, cwd=tmp_path) == (0, "", "")


def test_the_hangs_are_those_that_there_are() -> None:
    named = set(re.findall(r"`(\w+\.py)`", TOUR))
    assert {path.name for path in (ROOT / "examples" / "hangs").glob("*.py")} <= named


def test_all_that_insight_offers_is_named() -> None:
    assert [name for name in offered if not re.search(rf"\b{name}\b", TOUR)] == []


def test_the_links() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TOUR)
    assert len(links) > 3
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
