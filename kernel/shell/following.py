"""What a live view has been told of a process so far: the kernels as they are now, and how late they were before."""

from __future__ import annotations

from collections import deque
from typing import Any

from ..serving.changes import LINE, Nonsense, Receiver
from ..serving.shapes import fits
from ..snapshots.words import View

KEPT = 240  # lags
SCHEMA = 1


class Moment:
    """The process at one moment. It does not change when the next line comes."""

    def __init__(self, line: dict[str, Any], kernels: list[KernelMoment]) -> None:
        self.pid: int = line["pid"]
        self.argv: list[str] = line["argv"]
        self.python: str = line["python"]
        self.kernels = kernels


class KernelMoment(View):
    """A kernel at one moment, and what is known of the time before."""

    def __init__(self, line: dict[str, Any], kernel: dict[str, Any], lags: list[float], watched: float) -> None:
        super().__init__(line, kernel)
        self.lags = lags
        self.watched = watched  # seconds since the first line, on the kernel's clock
        seconds = line["seconds"]
        self.steps_per_second = kernel["steps"] / seconds if seconds > 0 else 0.0
        self.share = kernel["busy"] / seconds if seconds > 0 else 0.0  # of the time, in which its tasks ran


class Following:
    """Takes the lines as they come."""

    def __init__(self) -> None:
        self._kernels: dict[int, FollowedKernel] = {}

    def take(self, line: Any) -> Moment:
        """The moment that the line tells of. Raises `Nonsense` if it is no line of a live view."""
        if not fits(line, LINE):
            raise Nonsense("a line has other parts than it should have")
        if line["schema"] != SCHEMA:
            raise Nonsense(f"the program writes version {line['schema']} of a live view, and this tool reads version {SCHEMA}")
        # One that is not in the line does not run, and is told of anew when it runs again.
        self._kernels = {kernel["id"]: self._kernels.get(kernel["id"]) or FollowedKernel(kernel["now"])
                         for kernel in line["kernels"]}
        return Moment(line, [self._kernels[kernel["id"]].take(line, kernel) for kernel in line["kernels"]])


class FollowedKernel:
    """A kernel that was in the last line."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._receiver = Receiver()
        self._lags: deque[float] = deque(maxlen=KEPT)

    def take(self, line: dict[str, Any], changes: dict[str, Any]) -> KernelMoment:
        kernel = self._receiver.apply(changes, line["seconds"])
        self._lags.append(kernel["lag"] or 0.0)
        return KernelMoment(line, kernel, list(self._lags), kernel["now"] - self._since)
