"""Python's warning of a fork while other threads run, where the only other thread is that of insight.

That thread is stopped before the fork and started again after it, so there is nothing to warn of. But Python 3.13
counts the threads when the fork is over, and the thread has been started again. There the warning is held back.
"""

from __future__ import annotations

import os
import re
import sys
import time
import warnings
from typing import Any

_EARLY = sys.version_info[:2] != (3, 13)  # the threads are counted before the fork
_HELD_BACK = ("ignore", re.compile(r"This process \(pid=[0-9]+\) is multi-threaded, use of fork"), DeprecationWarning,
              None, 0)
_MOMENT = 0.0001  # seconds


def gone(thread: int | None) -> bool:
    """Wait until the system has let go of a thread that Python says has ended: until then it is counted."""
    for _ in range(100):
        if not os.path.exists(f"/proc/self/task/{thread}"):
            return True
        time.sleep(_MOMENT)
    return False


def hold_back() -> None:
    """Hold the warning of the next fork back if no other threads run. To be called when ours has been stopped."""
    filters: Any = warnings.filters  # a list
    if _HELD_BACK in filters:
        filters.remove(_HELD_BACK)
    try:
        alone = len(os.listdir("/proc/self/task")) == 1
    except OSError:
        alone = False  # nobody can tell
    if alone and not _EARLY:
        # Not by a function of that module, after which warnings that are shown once a place would be shown again.
        filters.insert(0, _HELD_BACK)
