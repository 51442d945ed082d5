"""How a movie's page looks: it fits on a laptop and on a phone; texts can be read; buttons have names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

# The least contrast between a text and what is behind it, as the Web Content Accessibility Guidelines count it.
CONTRAST = """(selector) => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour, below) => {
    pen.fillStyle = below; pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  };
  const light = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  const behind = (element) => {
    const colours = [];
    for (let at = element; at; at = at.parentElement) colours.unshift(getComputedStyle(at).backgroundColor);
    pen.fillStyle = "white"; pen.fillRect(0, 0, 1, 1);
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    return `rgb(${red} ${green} ${blue})`;
  };
  let least = 21, who = "";
  for (const element of document.querySelectorAll(selector)) {
    if (!element.textContent.trim() || !element.checkVisibility()) continue;
    const back = behind(element);
    const pair = [light(channels(getComputedStyle(element).color, back)), light(channels(back, back))];
    const contrast = Math.max(...pair) / Math.min(...pair);
    const name = `${element.className || element.tagName}: ${element.textContent.slice(0, 30)}`;
    if (contrast < least) [least, who] = [contrast, name];
  }
  return [least, who];
}"""

SIZE = "[document.scrollingElement.scrollWidth, document.scrollingElement.scrollHeight]"
TEXTS = "body *:not(script):not(style):not(canvas):not(option)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name, moment", [
    ("endings", 75), ("endings", 150), ("deadlock", 32), ("connections", 90), ("pipeline", 0)])
def test_texts_can_be_read(name: str, moment: int, scheme: str, screen: Any, recordings: Any) -> None:
    page = screen.open(recordings(name), address=f"#m={moment}", color_scheme=scheme, reduced_motion="reduce")
    least, who = page.evaluate(CONTRAST, TEXTS)
    assert least >= 4.5, who
    page.click("[data-side=tasks]")
    least, who = page.evaluate(CONTRAST, TEXTS)
    assert least >= 4.5, who


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_laptop_needs_no_scrolling(scheme: str, screen: Any, recordings: Any, tmp_path: Path) -> None:
    page = screen.open(recordings("endings"), address="#m=75", color_scheme=scheme)
    assert page.evaluate(SIZE) == [1280, 720]
    for part in "#code", "#story", "#ready", "#running", "#blocked", "#done", "#caption", "#controls", "#strip":
        box = page.locator(part).bounding_box()
        assert box["width"] > 100 and box["height"] > 20 and box["y"] + 20 < 720, part
    page.screenshot(path=tmp_path / f"laptop-{scheme}.png")


@pytest.mark.parametrize("tab, part", [
    ("stage", "#ready"), ("source", "#code"), ("story", "#story"), ("tasks", "#tasks")])
def test_a_phone_shows_one_part_at_a_time(tab: str, part: str, screen: Any, recordings: Any, tmp_path: Path) -> None:
    page = screen.open(recordings("endings"), address="#m=75", width=390, height=844, has_touch=True)
    page.tap(f"#tabs [data-tab={tab}]")
    box = page.locator(part).bounding_box()
    assert box["width"] > 300
    assert page.evaluate(SIZE) == [390, 844]
    for button in page.locator("#controls .buttons:first-child button, #tabs button").all():
        box = button.bounding_box()
        assert box["height"] >= 40 and box["width"] >= 40 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.tap("#forward")
    assert page.inner_text("#position").startswith("76")
    strip = page.locator("#strip canvas").bounding_box()
    page.touchscreen.tap(strip["x"] + strip["width"] / 2, strip["y"] + 40)
    assert page.inner_text("#position").split()[0] not in ("75", "76")
    page.screenshot(path=tmp_path / f"phone-{tab}.png")


def test_a_task_on_a_phone_opens_its_panel(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("endings"), address="#m=75", width=390, height=844, has_touch=True)
    page.locator("#running [data-task]").tap()
    assert page.locator("[data-shown]").is_visible()
    assert page.get_attribute("#tabs [data-tab=tasks]", "aria-pressed") == "true"


def test_all_that_can_be_pressed_has_a_name(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("endings"), address="#m=75")
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, select, input, [role=slider]")]
        .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length))
        .map((one) => one.outerHTML)""")
    assert nameless == []
    assert page.get_attribute("#strip", "aria-valuetext") == "moment 75 of 155"
    identities = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(identities) == len(set(identities))


def test_boxes_glide_unless_motion_is_not_wanted(screen: Any, recordings: Any) -> None:
    moving = "() => document.getAnimations().filter((one) => one.effect.target.matches('[data-task]')).length"
    for motion, moves in [("no-preference", True), ("reduce", False)]:
        page = screen.open(recordings("pipeline"), address="#m=30", reduced_motion=motion)
        page.wait_for_timeout(600)
        found = []
        for _ in range(8):
            page.keyboard.press("ArrowRight")
            found.append(page.evaluate(moving))
        assert any(found) == moves


def test_two_fingers_zoom_the_strip(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("endings"), address="#m=75", width=390, height=844, has_touch=True)
    strip = page.locator("#strip canvas").bounding_box()
    whole = page.screenshot(clip=strip)
    fingers = page.context.new_cdp_session(page)
    middle, height = strip["x"] + strip["width"] / 2, strip["y"] + 40

    def touch(kind: str, *places: float) -> None:
        points = [{"x": middle + place, "y": height, "id": number} for number, place in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -30)
    touch("touchStart", -30, 30)
    for apart in range(40, 150, 10):
        touch("touchMove", -apart, apart)
    touch("touchEnd")
    page.wait_for_timeout(50)
    assert page.screenshot(clip=strip) != whole
    page.keyboard.press("0")
    page.evaluate("location.hash = '#m=75'")
    page.wait_for_selector("body[data-position='75']")
    assert page.screenshot(clip=strip) == whole


def test_the_trampoline_can_be_seen(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("pipeline"), address="#m=60", reduced_motion="reduce")
    for path in ".legs", ".sheet":
        box = page.locator(f"#trampoline {path}").bounding_box()
        assert box["width"] > 100 and box["height"] > 3
