"""What a run must leave as it was."""

from __future__ import annotations

import os
import signal
import sys
import threading


def process_state() -> dict[str, object]:
    """What a run must leave as it was."""
    wakeup_fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup_fd)
    return {
        "descriptors": sorted(os.listdir("/dev/fd")),
        "threads": threading.enumerate(),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "wakeup descriptor": wakeup_fd,
        "async generator hooks": sys.get_asyncgen_hooks(),
    }
