"""A program of which a live view is shown, and what stands on the screen of one."""

from __future__ import annotations

import re
from collections import defaultdict
from html import unescape
from typing import Any

# One task holds a lock, one waits for it, one ticks, and many sleep. Its names would do harm to a terminal or a markup.
WORKING = """\
from kernel import Event, Lock, TaskGroup, sleep

async def hold(lock, never):
    async with lock:
        await never.wait()

async def take(lock):
    async with lock:
        pass

async def tick():
    while True:
        await sleep(0.01)

async def rest():
    await sleep(1000)

async def main():
    lock, never = Lock(), Event()
    async with TaskGroup() as group:
        await group.spawn(hold(lock, never), name="holder")
        await group.spawn(take(lock), name="[red]\\33[31mwaiter")
        await group.spawn(tick(), name="ticker")
        for number in range(10):
            await group.spawn(rest(), name=f"session {number}")
        await sleep(0)
        print("ready", flush=True)
"""


def screen_of(app: Any) -> str:
    """What stands on the screen of an application of Textual's, line by line."""
    lines: dict[float, dict[float, str]] = defaultdict(dict)
    for x, y, text in re.findall(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', app.export_screenshot()):
        lines[float(y)][float(x)] = unescape(text).replace("\N{NO-BREAK SPACE}", " ")
    width = 12.2  # of a character in that picture
    shown = []
    for y in sorted(lines):
        line = ""
        for x in sorted(lines[y]):
            line = line.ljust(round(x / width)) + lines[y][x]
        shown.append(line.rstrip())
    return "\n".join(shown)
