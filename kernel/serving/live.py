"""The stream of `trampoline top`: a line of JSON now and then, with what has changed in each kernel and its figures."""

from __future__ import annotations

import json
import math
import time
import weakref
from collections.abc import Mapping
from typing import Any

from ..core import Kernel
from ..insight.finding import running_kernels
from ..insight.usage import Usage, Used
from ..insight.watching import Observer
from ..snapshots.snapshots import copies_of, plain_data, process
from .asked import Refused, checked
from .changes import Sender
from .observing import PATIENCE, Observing, call_in_each
from .pieces import to_json

INTERVALS = 0.1, 3600.0  # seconds, from and to
LONGEST = 1000  # bytes of what a tool says at a time


def interval_in(request: Mapping[str, Any]) -> float:
    """The seconds between two lines that a request asks for."""
    interval = request.get("interval", 1.0)
    if type(interval) not in (int, float) or not INTERVALS[0] <= interval <= INTERVALS[1]:
        raise Refused(f"'interval' has to be a number of seconds from {INTERVALS[0]:g} to {INTERVALS[1]:g}, and is "
                      f"{interval!r:.100}")
    return float(interval)


class Watched:
    """What is kept of a kernel from line to line."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.usage: Usage | None = None  # when the kernel has come to it
        self.used: dict[int, Used] = {}
        self.sender = Sender()
        self.steps = 0  # as they were in the last line
        self.busy = 0.0


class Live(Observing):
    """Looks at the kernels every `interval` seconds. The tool may ask for another interval, by another line of JSON."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__()
        self._interval = interval_in(request)
        self._data = checked(request, "data", bool, True)
        self._made = 0
        self._kernels: weakref.WeakKeyDictionary[Kernel, Watched] = weakref.WeakKeyDictionary()
        self._last = math.inf
        self.due = time.monotonic()  # the first line comes at once
        self._heard = b""

    def observer_of(self, kernel: Kernel) -> Observer:
        usage = self._kernels[kernel].usage = Usage(kernel)
        return usage

    def hear(self, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            try:
                request = json.loads(line)
            except (ValueError, RecursionError):
                request = None
            if not isinstance(request, dict):
                raise Refused("what a live view is told is a JSON object on one line")
            self._interval = interval_in(request)
            self.due = min(self.due, time.monotonic() + self._interval)
        if len(self._heard) > LONGEST:
            raise Refused(f"what a live view is told is one line of at most {LONGEST} bytes")

    def take(self) -> str:
        now = time.monotonic()
        if now < self.due:
            return ""
        running = running_kernels()
        for _, kernel in running:
            if kernel not in self._kernels:
                self._made += 1
                self._kernels[kernel] = Watched(self._made)
        self.attach(kernel for _, kernel in running)
        copies = copies_of(running, self._data)
        shown = {kernel for kernel, _ in copies}
        self._measure([kernel for kernel, copy in copies if copy.answered])
        for kernel, watched in list(self._kernels.items()):
            if kernel not in shown:
                watched.sender = Sender()  # the tool has forgotten it, and is told all when it runs again
        line = {**process(self._data), "seconds": max(0.0, now - self._last),
                "kernels": [self._line(self._kernels[kernel], plain_data(copy)) for kernel, copy in copies]}
        self._last, self.due = now, time.monotonic() + self._interval  # so that half of the time is the program's at least
        return to_json(line)

    def _measure(self, kernels: list[Kernel]) -> None:
        """Get the figures of the tasks; those of a kernel that is stuck have not changed."""
        until = time.monotonic() + PATIENCE
        for made in call_in_each(kernels, self._read):
            made.wait(max(0.0, until - time.monotonic()))

    def _read(self, kernel: Kernel) -> None:
        watched = self._kernels[kernel]
        if watched.usage is not None:
            watched.used = watched.usage.used()

    def _line(self, watched: Watched, kernel: dict[str, Any]) -> dict[str, Any]:
        steps, busy, longest = watched.steps, watched.busy, 0.0
        if (usage := watched.usage) is not None:
            watched.steps, watched.busy, longest, usage.longest = usage.steps, usage.busy, usage.longest, 0.0
        return {"id": watched.number, **watched.sender.changes(kernel, watched.used), "steps": watched.steps - steps,
                "busy": watched.busy - busy, "longest": longest}
