"""Every button and every key of a movie's page."""

from __future__ import annotations

import re
from typing import Any

import pytest


@pytest.fixture
def page(screen: Any, recordings: Any) -> Any:
    return screen.open(recordings("pipeline"))


def position(page: Any) -> int:
    return int(page.inner_text("#position").split()[0].replace(",", ""))


def count(page: Any) -> int:
    found = re.search(r"of ([\d,]+)", page.inner_text("#position"))
    assert found
    return int(found[1].replace(",", ""))


def test_the_buttons_step(page: Any) -> None:
    last = count(page)
    for button, expected in [("#forward", 1), ("#forward", 2), ("#back", 1), ("#last", last), ("#forward", last),
                             ("#back", last - 1), ("#first", 0), ("#back", 0)]:
        page.click(button)
        assert position(page) == expected, button


def test_the_keys_step(page: Any) -> None:
    last = count(page)
    for key, expected in [("ArrowRight", 1), ("l", 2), ("h", 1), ("ArrowLeft", 0), ("PageDown", 10), ("PageDown", 20),
                          ("PageUp", 10), ("End", last), ("Home", 0)]:
        page.keyboard.press(key)
        assert position(page) == expected, key


def test_it_plays_to_the_end_and_back(page: Any) -> None:
    page.select_option("#speed", "1000")
    page.click("#play")
    page.wait_for_selector("#play[aria-pressed=false]")
    assert position(page) == count(page)
    page.click("#play-back")
    page.wait_for_selector("#play-back[aria-pressed=false]")
    assert position(page) == 0


def test_space_plays_and_pauses(page: Any) -> None:
    page.select_option("#speed", "50")
    page.locator("body").focus()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    assert page.get_attribute("#play", "aria-pressed") == "true"
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.wait_for_selector("body:not([data-position='0'])")
    page.keyboard.press("Space")
    assert page.get_attribute("#play", "aria-pressed") == "false"
    page.keyboard.press("Shift+Space")
    assert page.get_attribute("#play-back", "aria-pressed") == "true"
    page.wait_for_selector("body[data-position='0']")


def test_a_step_ends_the_play(page: Any) -> None:
    page.click("#play")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#play", "aria-pressed") == "false"


def test_speed_by_key(page: Any) -> None:
    for key, speed in [("+", "2"), ("+", "5"), ("-", "2"), ("-", "1"), ("-", "0.5"), ("-", "0.5")]:
        page.keyboard.press(key)
        assert page.input_value("#speed") == speed


def test_a_task_that_is_followed_is_all_that_steps(page: Any) -> None:
    page.select_option("#follow", label="4 consumer 1")
    seen = 0
    while (before := position(page)) < count(page):
        page.keyboard.press("ArrowRight")
        if position(page) == before:
            break
        assert "consumer 1" in page.inner_text("#caption")
        seen += 1
    assert seen > 10
    assert page.locator(".task.dim").count() == 3
    page.keyboard.press("f")
    assert page.input_value("#follow") == ""
    assert page.locator(".task.dim").count() == 0
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    assert page.input_value("#follow") == "0"  # the task of this moment
    page.keyboard.press("Escape")
    assert page.input_value("#follow") == ""


def test_why_it_waits(page: Any) -> None:
    """The producer waits for room in the queue; a consumer waits for the lock that the producer holds."""
    while page.locator("[data-group='thing:1'] [data-call=acquire] [data-task]").count() == 0:
        page.keyboard.press("ArrowRight")
    page.locator("[data-group='thing:1'] [data-call=acquire] [data-task]").first.click()
    chain = [" ".join(link.split()) for link in page.locator("#chain li").all_inner_texts()]
    assert "waits for Lock, which 2 producer holds" in chain[0]
    assert chain[1].startswith("2 producer")
    assert page.get_attribute("[data-side=tasks]", "aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.get_attribute("[data-side=story]", "aria-pressed") == "true"
    page.keyboard.press("w")
    assert page.locator("#chain li").count() > 0
    page.keyboard.press("End")
    page.locator("[data-zone=done] [data-task]").first.click()
    last = page.inner_text("#last-wait")
    assert "ended it" in last
    page.click("#last-wait >> text=Go there")
    assert "wakes" in page.inner_text("#caption")


@pytest.mark.parametrize("query", ["consumer 0", "pipeline.py:12", "Queue.put"])
def test_search(page: Any, query: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(query)
    hits = int(page.inner_text("#hits"))
    assert hits > 3
    page.keyboard.press("Enter")
    first = position(page)
    assert first > 0 and page.inner_text("#hits").startswith("1 of")
    for _ in range(hits):
        page.keyboard.press("Enter")
    assert position(page) == first  # around
    page.keyboard.press("Shift+Enter")
    assert position(page) > first
    page.click("#hit-after")
    assert position(page) == first
    page.click("#hit-before")
    assert position(page) > first
    page.click("#query")
    page.keyboard.press("Escape")
    assert page.inner_text("#hits") == "" and page.input_value("#query") == ""


def test_a_search_that_finds_nothing_says_so(page: Any) -> None:
    page.fill("#query", "no such thing")
    assert page.inner_text("#hits") == "nothing"
    page.keyboard.press("Enter")
    assert position(page) == 0


def test_hits_by_key(page: Any) -> None:
    page.fill("#query", "producer")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    first = position(page)
    page.keyboard.press("n")
    assert position(page) > first
    page.keyboard.press("p")
    assert position(page) == first


def test_a_click_and_a_drag_on_the_strip_jump(page: Any) -> None:
    box = page.locator("#strip canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    middle = position(page)
    assert 0.3 < middle / count(page) < 0.7
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 60)
    page.mouse.up()
    assert position(page) == count(page)


def test_the_strip_zooms(page: Any) -> None:
    canvas = page.locator("#strip canvas")
    box = canvas.bounding_box()
    whole = page.screenshot(clip=box)
    ways: list[tuple[Any, list[Any], list[Any]]] = [
        (page.click, ["#closer"], ["#wider"]), (page.keyboard.press, ["]"], ["["]),
        (page.mouse.wheel, [0, -300], [0, 300])]
    for act, closer, wider in ways:
        page.mouse.move(box["x"] + 300, box["y"] + 50)
        act(*closer)
        page.wait_for_timeout(50)
        assert page.screenshot(clip=box) != whole
        act(*wider)
        page.click("#whole")
        page.mouse.move(0, 0)
        assert page.screenshot(clip=box) == whole


def test_the_axis_may_be_time(page: Any) -> None:
    for kind in "real", "kernel", "event":
        page.keyboard.press("a")
        assert page.input_value("#axis") == kind
    page.select_option("#axis", "kernel")
    page.keyboard.press("End")
    box = page.locator("#strip canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    assert 0 < position(page) < count(page)


def test_light_and_dark(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("pipeline"), color_scheme="dark")
    back = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(back)
    page.click("#theme")
    light = page.evaluate(back)
    assert dark != light
    page.keyboard.press("t")
    assert page.evaluate(back) == dark


def test_the_help(page: Any) -> None:
    page.click("#help-button")
    assert page.locator("#help").is_visible()
    assert "What am I seeing?" in page.inner_text("#help")
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.click("#help >> text=Close")
    assert page.locator("#help").is_hidden()


def test_the_story_is_a_way_to_jump(page: Any) -> None:
    page.click("#story [data-moment='5']")
    assert position(page) == 5
    page.click("[data-side=tasks]")
    page.locator("[data-listed]").first.click()
    assert page.locator("[data-shown]").count() == 1
    page.click("text=Follow it")
    assert page.input_value("#follow") == "0"
    page.click("text=‹ all tasks")
    assert page.locator("[data-listed]").count() > 0
    page.click("[data-side=story]")
    assert page.locator("#story .row").count() > 3
