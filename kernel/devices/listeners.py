"""Who listens to which descriptor: what all pollers keep, also those that ask no operating system."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from .protocols import Event, Listener

if TYPE_CHECKING:
    from ..core import Kernel


class Vanished:
    """The event that a watched descriptor turned out to be closed."""

    def __init__(self, listener: Listener, error: OSError) -> None:
        self._listener = listener
        self._error = error

    def fire(self, kernel: Kernel) -> None:
        self._listener.fail(kernel, self._error)


class Listeners:
    """The base of pollers."""

    def __init__(self) -> None:
        self._readers: dict[int, Listener] = {}
        self._writers: dict[int, Listener] = {}
        self._vanished: list[Event] = []  # to be told by the next poll

    def _add(self, fd: int, writing: bool, listener: Listener) -> None:
        """Have `listener` listen to `fd`. `RuntimeError` when another one does."""
        table = self._writers if writing else self._readers
        if fd in table:
            raise RuntimeError(f"descriptor {fd} is waited for already, by {table[fd]!r}; one task at a time may "
                               f"{'write' if writing else 'read'} it")
        table[fd] = listener

    def unwatch(self, fd: int, writing: bool) -> bool:
        return (self._writers if writing else self._readers).pop(fd, None) is not None

    def drop(self, event: Event) -> None:
        for writing, table in (False, self._readers), (True, self._writers):
            for fd in [fd for fd, listener in table.items() if listener is event]:
                self.unwatch(fd, writing)

    def listener(self, fd: int, writing: bool) -> Listener | None:
        return (self._writers if writing else self._readers).get(fd)

    def watching(self) -> bool:
        return bool(self._readers or self._writers or self._vanished)

    def watched(self) -> int:
        """How many descriptors are listened to; for tools that show what a kernel does."""
        return len({*self._readers, *self._writers})

    def _vanish(self, fd: int) -> None:
        """`fd` was closed: have the next poll tell whoever listens to it."""
        error = OSError(errno.EBADF, f"descriptor {fd} was closed while it was waited for")
        for table in self._readers, self._writers:
            if fd in table:
                self._vanished.append(Vanished(table.pop(fd), error))

    def _take_vanished(self) -> list[Event]:
        vanished, self._vanished = self._vanished, []
        return vanished

    def close(self) -> None:
        self._readers.clear()
        self._writers.clear()
