"""What the real pollers share: watching descriptors that may be closed, and being woken by other threads and by signals.

There are two. `EpollPoller` uses epoll itself, where the system has it. `SelectorPoller` uses whatever the standard
library's `selectors` has for this system. They differ in how they tell the operating system, and how they ask it.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterable

from .listeners import Listeners
from .protocols import Event, Listener
from .wakers import Waker

# When a watched descriptor is closed, epoll and kqueue say nothing. So in a silence the poller checks every watched
# descriptor: after 1 second, after 2 more, after 4 more, and so on, up to every 64 seconds.
AUDIT_AFTER, AUDIT_EVERY = 1.0, 64.0
READABLE, WRITABLE = 1, 4  # as Linux has EPOLLIN and EPOLLOUT


class DescriptorPoller(Listeners):
    """The base of the real pollers."""

    def __init__(self) -> None:
        super().__init__()
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
        if self.listener(fd, writing) is not None:
            self._audit([fd])
        self._add(fd, writing, listener)
        try:
            self._arm(fd)
        except (OSError, OverflowError, ValueError) as error:
            super().unwatch(fd, writing)
            number = error.errno if isinstance(error, OSError) else errno.EBADF
            raise OSError(number, f"cannot wait for descriptor {fd}: {error}") from None

    def unwatch(self, fd: int, writing: bool) -> bool:
        found = super().unwatch(fd, writing)
        if found:
            self._rearm(fd)
        return found

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
                self._vanish(fd)

    def wake(self) -> None:
        self._waker.wake()

    def wakeup_fd(self) -> int:
        return self._waker.target

    def close(self) -> None:
        self._waker.close()
        super().close()
