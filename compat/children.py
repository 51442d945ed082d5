"""Waiting for child processes: by a pidfd where the system has that, else in a thread.

The child watchers of asyncio's event loop policy are not used.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

logger = logging.getLogger("asyncio")


class Loop(Protocol):
    """What is asked of an event loop here."""

    def is_closed(self) -> bool: ...
    def call_soon_threadsafe(self, callback: Callable[[], object], /) -> object: ...
    def _add_reader(self, fd: Any, callback: Callable[[], object], /) -> object: ...
    def _remove_reader(self, fd: Any) -> bool: ...


def watch_child(loop: Loop, pid: int, exited: Callable[[int], object]) -> None:
    """Reap the child `pid` once it has ended, and call `exited(returncode)` in the loop."""
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):
        threading.Thread(target=_wait_in_thread, args=(loop, pid, exited), name=f"child {pid}", daemon=True).start()
        return

    def ended() -> None:
        loop._remove_reader(fd)
        os.close(fd)
        exited(_reap(pid))

    loop._add_reader(fd, ended)


def _wait_in_thread(loop: Loop, pid: int, exited: Callable[[int], object]) -> None:
    # This thread does not reap the child, the loop does: until then the system gives the child's number to no other
    # process, which a signal to the child would hit.
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        pass  # somebody else has reaped it
    if loop.is_closed():
        logger.warning("Loop %r that handles pid %r is closed", loop, pid)
        _reap(pid)
    else:
        loop.call_soon_threadsafe(lambda: exited(_reap(pid)))


def _reap(pid: int) -> int:
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        logger.warning("child process pid %d exit status already read:  will report returncode 255", pid)
        return 255
    return os.waitstatus_to_exitcode(status)
