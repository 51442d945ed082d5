"""Movies: the page is one file, which has all that it needs, and in which nothing of the recording is more than text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from kernel.recordings.movies import movie, movie_data
from kernel.recordings.reading import Recording
from tests.support.programs import pool
from tests.support.recordings import recorded


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return recorded(pool, tmp_path / "a.rec")


def data_of(page: str) -> dict[str, Any]:
    """The recording, as the page has it."""
    found = re.search(r'<script type="application/json" id="recording">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_page_loads_nothing(recording: Recording) -> None:
    page = movie(recording).replace("http://www.w3.org/2000/svg", "")  # a name, which nobody loads
    assert not re.search(r"https?:|\bimport\b.*from|@import|url\(|\bsrc=|<link", page.partition('id="recording">')[0])
    assert "default-src 'none'" in page


def test_the_same_recording_makes_the_same_page(recording: Recording) -> None:
    assert movie(recording) == movie(recording)


def test_each_part_of_the_page_is_in_it(recording: Recording) -> None:
    page = movie(recording)
    parts = [part for part in files("kernel.recordings").joinpath("page").iterdir() if part.name != "movie.html"]
    assert len(parts) > 20
    for part in parts:
        about = part.read_text("utf-8").splitlines()[0]  # each opens with a comment that says its idea
        assert about.startswith(("// ", "/* ")), part.name
        assert page.count(about) == 1, part.name


def test_the_page_has_the_recording(recording: Recording) -> None:
    data = data_of(movie(recording))
    moments = data["moments"]
    times, time = [], 0
    for passed in moments["passed"]:
        time += passed
        times.append(time)
    shown = [moment for moment in recording.moments if moment.kind != 7]
    assert times == [moment.time for moment in shown]
    for name in "kind", "task", "first", "second", "third", "fourth":
        assert moments[name] == [getattr(moment, name) for moment in shown]
    assert [task["name"] for task in data["tasks"]] == ["pool", "a", "b"]
    assert data["total"] == len(shown) and data["damage"] is None


def test_what_is_text_stays_text(recording: Recording) -> None:
    name = "</script><script>alert(1)</script>{{style}}\\g<0>"
    recording.tasks[2]["name"] = name
    page = movie(recording)
    assert page.lower().count("<script") == 2 and page.lower().count("</script") == 2
    assert data_of(page)["tasks"][1]["name"] == name


def test_a_page_has_a_limit(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.recordings.movies.MOST_MOMENTS", 10)
    data = movie_data(recording)
    assert len(data["moments"]["kind"]) == 10 < data["total"]


def test_the_modules_of_the_page_can_be_read_by_node() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    for part in Path(str(files("kernel.recordings").joinpath("page"))).glob("*.mjs"):
        done = subprocess.run([node, "--check", part], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
