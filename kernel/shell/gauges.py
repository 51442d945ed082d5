"""The head of a live view: how busy a kernel was, and how late it ran what was ready, as a row of bars."""

from __future__ import annotations

from bisect import bisect_right

from ..snapshots.drawing import BARS
from .following import KernelMoment
from .rows import short

LIMITS = 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0  # seconds, from each of which on a bar is one step higher


def bars(lags: list[float], width: int) -> str:
    """The last lags, each as a bar: the lowest is under a millisecond, the highest a second or more."""
    return "".join(BARS[bisect_right(LIMITS, lag)] for lag in lags[-width:])


def work(kernel: KernelMoment) -> str:
    """What the kernel did since the line before."""
    return (f"{kernel.steps_per_second:,.0f} steps/s, busy {100 * kernel.share:.0f}%, longest step "
            f"{short(kernel.kernel['longest'])}")
