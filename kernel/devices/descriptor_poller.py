"""What the real pollers share: who listens to which file descriptor, and being woken by other threads and by signals.

There are two. `EpollPoller` uses epoll itself, where the system has it. `SelectorPoller` uses whatever the standard
library's `selectors` has for this system. They differ in how they tell the operating system, and how they ask it.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .protocols import Event, Listener
from .wakers import Waker

if TYPE_CHECKING:
    from ..core import Kernel

# When a watched descriptor is closed, epoll and kqueue say nothing. So in a silence the poller checks every watched
# descriptor: after 1 second, after 2 more, after 4 more, and so on, up to every 64 seconds.
AUDIT_AFTER, AUDIT_EVERY = 1.0, 64.0
READABLE, WRITABLE = 1, 4  # as Linux has EPOLLIN and EPOLLOUT


class Vanished:
    """The event that a watched descriptor turned out to be closed."""

    def __init__(self, listener: Listener, error: OSError) -> None:
        self._listener = listener
        self._error = error

    def fire(self, kernel: Kernel) -> None:
        self._listener.fail(kernel, self._error)


class DescriptorPoller:
    """Who listens to which descriptor; the base of the real pollers."""

    def __init__(self) -> None:
        self._readers: dict[int, Listener] = {}
        self._writers: dict[int, Listener] = {}
        self._vanished: list[Event] = []  # to be told by the next poll
        self._waker = Waker()
        self._woken_fd = self._waker.source

    def _arm(self, fd: int) -> None:
        """Tell the operating system what is listened to on `fd` now."""
        raise NotImplementedError

    def _wait(self, timeout: float | None) -> list[tuple[int, int]]:
        """Ask the operating system which descriptors are ready, and for what: READABLE, WRITABLE or both.

        An error or a hang-up counts as both.
        """
        raise NotImplementedError

    def _check(self, fd: int) -> None:
        """Raise `OSError` if `fd`, which is listened to, is not the open file it was."""
        raise NotImplementedError

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        table = self._writers if writing else self._readers
        if fd in table:
            self._audit([fd])
        if fd in table:
            raise RuntimeError(f"descriptor {fd} is waited for already, by {table[fd]!r}; one task at a time may "
                               f"{'write' if writing else 'read'} it")
        table[fd] = listener
        try:
            self._arm(fd)
        except (OSError, OverflowError, ValueError) as error:
            del table[fd]
            number = error.errno if isinstance(error, OSError) else errno.EBADF
            raise OSError(number, f"cannot wait for descriptor {fd}: {error}") from None

    def unwatch(self, fd: int, writing: bool) -> bool:
        if (self._writers if writing else self._readers).pop(fd, None) is None:
            return False
        self._rearm(fd)
        return True

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

    def poll(self, timeout: float | None) -> list[Event]:
        left = math.inf if timeout is None else timeout
        silence = AUDIT_AFTER
        while left > silence and (self._readers or self._writers):
            events = self._collect(silence)
            if events is None:
                self._audit([*self._readers, *self._writers])
            if self._vanished:
                return (events or []) + self._take_vanished()
            if events is not None:
                return events
            left -= silence
            silence = min(silence * 2, AUDIT_EVERY)
        events = self._collect(None if left == math.inf else left) or []
        return events + self._take_vanished() if self._vanished else events

    def _collect(self, timeout: float | None) -> list[Event] | None:
        """The events within `timeout`; None when there was not even a call to wake."""
        readers, writers = self._readers, self._writers
        events: list[Event] = []
        ready = self._wait(0.0 if self._vanished else timeout)
        for fd, mask in ready:
            spent = False
            # An error or a hang-up is an event for both: the system call that follows will tell which.
            if mask != WRITABLE:
                if (listener := readers.get(fd)) is not None:
                    events.append(listener)
                    if listener.once:
                        del readers[fd]
                        spent = True
                elif fd == self._woken_fd:
                    self._waker.drain()
                elif fd not in writers:
                    self._unheard(fd)
            if mask != READABLE and (listener := writers.get(fd)) is not None:
                events.append(listener)
                if listener.once:
                    del writers[fd]
                    spent = True
            if spent or fd in writers and fd in readers and (readers[fd].once or writers[fd].once):
                self._spent(fd)
        return events if ready else None

    def _unheard(self, fd: int) -> None:
        """There was an event on `fd`, to which nobody listens."""

    def _spent(self, fd: int) -> None:
        """There was an event on `fd`. Some of its listeners are gone since, or others may have to be armed again."""
        self._rearm(fd)

    def _rearm(self, fd: int) -> None:
        """Arm `fd` for the listeners that are left. If the file is gone, the next poll tells them."""
        try:
            self._arm(fd)
        except OSError:
            self._audit([fd])

    def _audit(self, fds: Iterable[int]) -> None:
        for fd in fds:
            try:
                self._check(fd)
            except OSError:
                error = OSError(errno.EBADF, f"descriptor {fd} was closed while it was waited for")
                for table in self._readers, self._writers:
                    if fd in table:
                        self._vanished.append(Vanished(table.pop(fd), error))

    def _take_vanished(self) -> list[Event]:
        vanished, self._vanished = self._vanished, []
        return vanished

    def wake(self) -> None:
        self._waker.wake()

    def wakeup_fd(self) -> int:
        return self._waker.target

    def close(self) -> None:
        self._waker.close()
        self._readers.clear()
        self._writers.clear()
