"""What the operating system tells of processor time and memory."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def busy_seconds() -> float:
    """The processor time that all programs of this machine and its host have taken so far; 0.0 without `/proc`."""
    try:
        user, nice, system, _, _, irq, softirq, steal = Path("/proc/stat").read_text().split()[1:9]
    except OSError:
        return 0.0
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """The processor time of this process, and of all its children that have ended and been waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def resident_memory() -> int:
    """The bytes of memory that this process has now; without `/proc`, the most that it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
