"""The moving picture in the README: some moments of the movie of a deadlock, as a headless Chromium shows them.

It needs the packages `playwright` and `pillow`, and Chromium. Neither the project nor the movies need these.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

PICTURE = Path(__file__).parent / "deadlock.webp"
MOMENTS = 17, 19, 23, 25, 27, 28, 29, 30, 31, 32  # at the last one the kernel sees the deadlock
SIZE: ViewportSize = {"width": 1280, "height": 720}  # in pixels, of the browser's window
PAUSE = 900  # milliseconds that each moment is shown
LAST_PAUSE = 3000  # and the last one
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]


def draw() -> None:
    """Write `PICTURE`, an animated WebP."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        sys.exit("the picture is drawn by Chromium, which is not here")
    frames = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        for moment in MOMENTS:
            page.goto(f"{PICTURE.with_suffix('.html').as_uri()}#m={moment}")
            page.wait_for_selector(f'body[data-position="{moment}"]')
            frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
        browser.close()
    frames[0].save(PICTURE, save_all=True, append_images=frames[1:], loop=0, lossless=True, method=6, minimize_size=True,
                   duration=[PAUSE] * (len(frames) - 1) + [LAST_PAUSE])
