"""The portable poller: whatever the standard library's `selectors` has for this system."""

from __future__ import annotations

import os
import select
import selectors
import sys
from collections.abc import Iterable

from .descriptor_poller import READABLE, WRITABLE, DescriptorPoller


class SelectorPoller(DescriptorPoller):
    """A poller on a selector; by default on the best of this system."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__()
        self._selector = selectors.DefaultSelector() if selector is None else selector
        self._selector.register(self._woken_fd, selectors.EVENT_READ)
        self._files: dict[int, tuple[int, int]] = {}  # which file each descriptor meant when it was registered

    def _arm(self, fd: int) -> None:
        # Registered anew each time, since the number may have come to mean another file.
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        events = ((selectors.EVENT_READ if fd in self._readers else 0)
                  | (selectors.EVENT_WRITE if fd in self._writers else 0))
        if events:
            self._files[fd] = _file(fd)
            self._selector.register(fd, events)

    def _wait(self, timeout: float | None) -> list[tuple[int, int]]:
        try:
            ready = self._selector.select(timeout)
        except (OSError, ValueError):  # select() refuses all for one that is closed
            self._audit([*self._readers, *self._writers])
            if not self._vanished:
                raise
            return []
        return [(key.fd, (READABLE if events & selectors.EVENT_READ else 0)
                 | (WRITABLE if events & selectors.EVENT_WRITE else 0)) for key, events in ready]

    def _check(self, fd: int) -> None:
        if _file(fd) != self._files[fd]:
            raise OSError(f"descriptor {fd} means another file now")

    def _audit(self, fds: Iterable[int]) -> None:
        super()._audit(fds)
        for fd in [*self._selector.get_map()]:
            if fd != self._woken_fd and fd not in self._readers and fd not in self._writers:
                self._selector.unregister(fd)

    def close(self) -> None:
        super().close()
        self._selector.close()


def _file(fd: int) -> tuple[int, int]:
    """What tells the open file from another that gets its number; `OSError` when it is not open."""
    if sys.platform == "win32":  # a socket's number is none of a file's there, and tells no more than whether it is open
        select.select([fd], [], [], 0)
        return 0, 0
    status = os.fstat(fd)
    return status.st_dev, status.st_ino
