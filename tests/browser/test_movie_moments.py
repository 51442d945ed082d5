"""The movie of each program, to the end and back: what the page shows after each moment is what the recording says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.movies import SEEN, WALK, check, positions, shown_moments

PROGRAMS = "pipeline", "deadlock", "endings", "connections", "legacy", "threads", "hosts"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_shows_what_the_recording_says(name: str, screen: Any, recordings: Any, tmp_path: Any) -> None:
    recording = recordings(name)
    page = screen.open(recording)
    wanted = list(positions(recording))
    check(page.evaluate(SEEN), wanted[0], 0)
    for position, seen in enumerate(page.evaluate(WALK, ["ArrowRight", len(wanted) - 1]), 1):
        check(seen, wanted[position], position)
    page.screenshot(path=tmp_path / f"{name}.png")
    for position, seen in enumerate(page.evaluate(WALK, ["ArrowLeft", len(wanted) - 1]), 1):
        check(seen, wanted[-1 - position], len(wanted) - 1 - position)


def test_each_kernel_has_moments_of_its_own(screen: Any, recordings: Any) -> None:
    recording = recordings("threads")
    page = screen.open(recording)
    page.select_option("#kernel", "2")
    wanted = list(positions(recording, 2))
    assert len(wanted) == len(shown_moments(recording, 2)) + 1
    for position, seen in enumerate(page.evaluate(WALK, ["ArrowRight", len(wanted) - 1]), 1):
        check(seen, wanted[position], position)


def test_a_deadlock_shows_the_circle(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("deadlock"))
    while "Deadlock:" not in page.inner_text("#caption"):
        page.keyboard.press("ArrowRight")
    assert " ".join(page.inner_text("#caption").split()) == (
        "Deadlock: 2 Ann to Bob and 3 Bob to Ann wait for each other in a circle. None of them can ever go on.")
    assert page.locator("#alarm svg .node").count() == 2
    assert [row.split() for row in page.locator("#alarm li").all_inner_texts()] == [
        "2 Ann to Bob waits for Lock 2, held by 3 Bob to Ann".split(),
        "3 Bob to Ann waits for Lock 1, held by 2 Ann to Bob".split()]
    assert page.locator(".task.stuck").count() == 2
    page.keyboard.press("End")
    assert page.locator("#alarm").is_hidden()
