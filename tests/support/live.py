"""A program of which a live view is shown, and what stands on the screen of one."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from html import unescape
from typing import Any

from kernel.insight.usage import Used
from kernel.serving.changes import Sender

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


def line_of(snapshot: dict[str, Any], senders: list[Sender], seconds: float = 1.0, **figures: Used) -> Any:
    """The next line of a live view of a program, as a tool reads it. `figures` are those of tasks, by their names."""
    kernels = []
    for number, kernel in enumerate(snapshot["kernels"]):
        if number == len(senders):
            senders.append(Sender())
        used = {task["id"]: figures[task["name"]] for task in kernel["tasks"] if task["name"] in figures}
        kernels.append({"id": number, **senders[number].changes(kernel, used), "steps": 10, "busy": 0.5, "longest": 0.25})
    return json.loads(json.dumps({**snapshot, "seconds": seconds, "kernels": kernels}))


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
