"""Movies of recordings that are hostile, damaged, empty, without sources or without data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kernel.recordings.movies import movie
from kernel.recordings.reading import Recording, read
from tests.support.movies import SEEN, WALK, check, positions

HEADER = {"recording": 1, "begin": 0, "argv": [], "data": True}


def walk(page: Any) -> None:
    """To the end and back, so that each moment is drawn."""
    last = int(page.inner_text("#position").split()[2].replace(",", ""))
    page.evaluate(WALK, ["ArrowRight", last])
    page.evaluate(WALK, ["ArrowLeft", last])
    page.keyboard.press("End")
    page.click("#why")
    page.click("[data-side=tasks]")


def test_hostile_names_and_values_are_only_text(screen: Any, recordings: Any) -> None:
    recording = recordings("hostile")
    page = screen.open(recording)
    wanted = list(positions(recording))
    for position, seen in enumerate(page.evaluate(WALK, ["ArrowRight", len(wanted) - 1]), 1):
        check(seen, wanted[position], position)
    walk(page)
    assert page.evaluate("window.bad") is None
    assert page.locator("script").count() == 2 and page.locator("img").count() == 0
    names = page.locator("[data-zone=done] .name").all_text_contents()
    assert len(names) > 3 and all(name in [task["name"] for task in recording.tasks.values()] for name in names)
    page.fill("#query", "</script>")
    assert int(page.inner_text("#hits")) > 0


def test_a_hostile_title_is_only_text(screen: Any, recordings: Any) -> None:
    recording = recordings("deadlock")
    title = '</title><script>window.bad = 1</script>"&{{data}}\udcff.py'
    recording.header["argv"] = ["python", title]
    page = screen.open(recording)
    assert page.inner_text("#title").startswith('script>"&{{data}}')
    assert page.evaluate("window.bad") is None


def test_without_data_there_are_no_values(screen: Any, recordings: Any) -> None:
    recording = recordings("hostile", "without")
    text = movie(recording)
    data = text[text.index('id="recording">'):]
    assert "window.bad" not in re.sub(r'"sources":\{.*?\},"requests"', "", data).replace(
        "\\u003c/script>\\u003cscript>window.bad = 1", "").replace("\\u003cimg src=x onerror='window.bad = 1'>", "").replace(
        "${window.bad = 1}", "")  # the names of tasks, and the source
    page = screen.open(recording)
    assert "without data" in page.inner_text("#notice")
    walk(page)


def test_no_source(screen: Any, recordings: Any) -> None:
    recording = recordings("pipeline")
    recording.sources.clear()
    page = screen.open(recording)
    page.keyboard.press("PageDown")
    assert "does not have the source" in page.inner_text("#lines")
    assert re.search(r"pipeline\.py:\d+ in main", page.inner_text("#lines"))
    walk(page)


def test_a_cut_recording_is_shown_up_to_there(screen: Any, files: Any, tmp_path: Path) -> None:
    whole = files("pipeline").read_bytes()
    file = tmp_path / "cut.rec"
    file.write_bytes(whole[:-200])
    recording = read(file)
    assert recording.damage is not None
    page = screen.open(recording)
    assert "damaged" in page.inner_text("#notice")
    walk(page)


def test_nothing_at_all(screen: Any) -> None:
    page = screen.open(Recording(dict(HEADER)))
    assert "Nothing was recorded" in page.inner_text("#caption")
    for key in "ArrowRight", "ArrowLeft", "Home", "End", "f", "w", "a", "n", "]", "[", "0", " ", "Shift+ ":
        page.evaluate(WALK, [key, 1])
    page.keyboard.press("/")
    page.keyboard.type("x")
    page.click("#why")
    page.click("[data-side=tasks]")


def test_a_kernel_without_tasks(screen: Any, recordings: Any) -> None:
    recording = Recording(dict(HEADER))
    recording.kernels[1] = {"kernel": 1, "kind": "native", "clock": "virtual", "at": 0, "shows": 0}
    page = screen.open(recording)
    assert page.evaluate(SEEN)["ready"] == []


@pytest.mark.parametrize("table", ["requests", "stacks", "texts", "causes", "things", "states", "deadlocks", "kernels", "tasks"])
def test_a_table_that_is_missing(table: str, screen: Any, recordings: Any) -> None:
    """As in a file that somebody has made up."""
    recording = recordings("deadlock")
    getattr(recording, table).clear()
    walk(screen.open(recording))


def test_too_many_moments_are_cut_with_a_word(screen: Any, recordings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.recordings.movies.MOST_MOMENTS", 30)
    page = screen.open(recordings("pipeline"))
    assert "This page shows the first 30" in page.inner_text("#notice")
    walk(page)
    assert page.inner_text("#position").startswith("30 of 30")
