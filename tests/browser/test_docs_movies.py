"""The movies of the documentation, and the page that lists them, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docs.movies.catalogue import MOVIES
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "movies"


@contextmanager
def opened(chromium: Any, file: Path, width: int = 1280, **options: Any) -> Iterator[Any]:
    """A page that is open until the end of the block. The browser has nothing to say of it, and asks no network."""
    context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
    page = context.new_page()
    said: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    try:
        yield page
    finally:
        context.close()
    assert said == []
    assert [url for url in requests if not url.startswith("file:")] == []


@pytest.mark.parametrize("name", MOVIES)
def test_a_movie_opens_and_goes_to_its_end_and_back(chromium: Any, name: str) -> None:
    with opened(chromium, FOLDER / f"{name}.html") as page:
        page.wait_for_selector('body[data-position="0"]')
        page.keyboard.press("End")
        page.wait_for_selector('body:not([data-position="0"])')
        moments = page.evaluate("JSON.parse(document.querySelector('#recording').textContent).moments.kind.length")
        assert page.get_attribute("body", "data-position") == str(moments)
        page.keyboard.press("Home")
        page.wait_for_selector('body[data-position="0"]')


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_index_fits_and_leads_to_a_movie(chromium: Any, width: int, scheme: str) -> None:
    with opened(chromium, FOLDER / "index.html", width, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background))) < 3 * 128) == (scheme == "dark")
        page.click("text=A deadlock")
        page.wait_for_selector('body[data-position="0"]')
        assert page.title() == "deadlock.py: a movie of the trampoline"
