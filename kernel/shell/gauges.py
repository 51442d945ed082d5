"""The head of a live view: how busy a kernel was, and how late it ran what was ready, as a row of bars."""

from __future__ import annotations

from bisect import bisect_right

from ..snapshots.drawing import BARS
from ..snapshots.words import plural, safe
from .following import KernelMoment
from .rows import short

LIMITS = 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0  # seconds, from each of which on a bar is one step higher


def bars(lags: list[float], width: int) -> str:
    """The last lags, each as a bar: the lowest is under a millisecond, the highest a second or more."""
    return "".join(BARS[bisect_right(LIMITS, lag)] for lag in lags[-width:])


def state(kernel: KernelMoment) -> str:
    """How the kernel is, in less than a line of most terminals."""
    data = kernel.kernel
    thread = "" if data["thread_name"] == "MainThread" else f" in thread {safe(data['thread_name'])}"
    counts = [plural(len(data["tasks"]), "task"), f"{data['ready']:,} ready", plural(data["timers"], "timer")]
    if data["descriptors"] is not None:
        counts.append(plural(data["descriptors"], "descriptor"))
    return f"{safe(data['kind'])} kernel{thread}, {safe(data['state'])}: {', '.join(counts)}"


def work(kernel: KernelMoment) -> str:
    """What the kernel did since the line before."""
    return (f"{kernel.steps_per_second:,.0f} steps/s, busy {100 * kernel.share:.0f}%, longest step "
            f"{short(kernel.kernel['longest'])}")
