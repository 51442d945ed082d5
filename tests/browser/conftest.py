"""A headless Chromium, and movies of small programs. Without Playwright or Chromium these tests are skipped.

With BROWSER_TESTS=1, as in continuous integration, they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.recordings.movies import movie
from kernel.recordings.reading import Recording, read
from tests.support.paths import ROOT

PROGRAMS = Path(__file__).parent / "programs"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]
DEMANDED = bool(os.environ.get("BROWSER_TESTS"))


def missing(what: str) -> Any:
    if DEMANDED:
        pytest.fail(f"BROWSER_TESTS is set, and {what} is not here")
    pytest.skip(f"{what} is not here")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for the tests of one file."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright (pip install playwright)")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives the file with the recording of a program of `programs/`, which is run once, in a process of its own."""
    folder = tmp_path_factory.mktemp("recordings")

    def file_of(name: str, *arguments: str) -> Path:
        file = folder / f"{'-'.join([name, *arguments])}.rec"
        if not file.exists():
            command = [sys.executable, str(PROGRAMS / f"{name}.py"), str(file), *arguments]
            subprocess.run(command, cwd=ROOT, check=True, timeout=50, stdout=subprocess.DEVNULL,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
        return file

    return file_of


@pytest.fixture(scope="session")
def recordings(files: Callable[..., Path]) -> Callable[..., Recording]:
    """Gives the recording of a program of `programs/`."""

    def recording_of(name: str, *arguments: str) -> Recording:
        recording = read(files(name, *arguments))
        assert recording.damage is None
        return recording

    return recording_of


class Screen:
    """Opens movies, and sees to it that the browser has nothing to say about them, and asks no network."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._contexts: list[Any] = []
        self.said: list[str] = []  # in the console
        self.requests: list[str] = []

    def open(self, recording: Recording, *, address: str = "", width: int = 1280, height: int = 720,
             **options: Any) -> Any:
        """A Playwright page with the movie of the recording; `address` is what comes after the file's name."""
        file = self._folder / f"movie-{len(self._contexts)}.html"
        file.write_text(movie(recording), "utf-8")
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{file.as_uri()}{address}")
        page.wait_for_selector("body[data-position]")
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def screen(chromium: Any, tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(chromium, tmp_path)
    yield screen
    screen.close()
    assert screen.said == []
    assert [url for url in screen.requests if not url.startswith("file:")] == []
