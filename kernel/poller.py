"""The kernel's pollers: which file descriptors are ready, and being woken by other threads and by signals.

`EpollPoller` where the system has epoll, `SelectorPoller` on the standard library's `selectors` elsewhere. What they
share is the bookkeeping of who listens; they differ in how the operating system is told and asked.
"""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .core import Kernel

# A descriptor that is closed vanishes from epoll and kqueue without a word. So after this many seconds of silence, and
# before any longer silence, every watched descriptor is looked at.
AUDIT_AFTER = 1.0


class Event(Protocol):
    """Something that happened outside and is passed to the kernel."""

    def fire(self, kernel: Kernel) -> None: ...


class Listener(Event, Protocol):
    """Told that its descriptor is ready, `once` or each time, or that it was closed and never will be."""

    @property
    def once(self) -> bool: ...

    def fail(self, kernel: Kernel, error: OSError) -> None: ...


class Poller(Protocol):
    """A device of the kernel. Only `wake` may be called from other threads and from signal handlers."""

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        """Have `listener` told when `fd` is ready to be read, or written.

        Raises `RuntimeError` when there is a listener already, `OSError` when the descriptor cannot be watched.
        """

    def unwatch(self, fd: int, writing: bool) -> bool:
        """Forget the listener; False when there is none."""

    def listener(self, fd: int, writing: bool) -> Listener | None:
        """Who waits for `fd`."""

    def watching(self) -> bool:
        """Whether there is any listener."""

    def poll(self, timeout: float | None) -> list[Event]:
        """What has happened, waiting up to `timeout` seconds (None: for ever) for the first event or for `wake`."""

    def wake(self) -> None:
        """Make a `poll` that is waiting, or else the next one, return."""

    def wakeup_fd(self) -> int:
        """A descriptor to which a written byte is a `wake` (for `signal.set_wakeup_fd`)."""

    def close(self) -> None:
        """Release everything; the poller is of no use any more."""


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
        # A socket pair rather than an eventfd: signal.set_wakeup_fd writes single bytes.
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._woken_fd = self._woken.fileno()

    def _arm(self, fd: int) -> None:
        """Tell the operating system what is listened to on `fd` now."""
        raise NotImplementedError

    def _wait(self, timeout: float | None) -> Iterable[tuple[int, bool, bool]]:
        """Ask the operating system: descriptor, readable, writable."""
        raise NotImplementedError

    def _check(self, fd: int) -> None:
        """Raise `OSError` if `fd`, which is listened to, is not the open file it was."""
        raise NotImplementedError

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        table = self._writers if writing else self._readers
        if fd in table:
            raise RuntimeError(f"descriptor {fd} is waited for already, by {table[fd]!r}; one task at a time may "
                               f"{'write' if writing else 'read'} it")
        table[fd] = listener
        try:
            self._arm(fd)
        except OSError as error:
            del table[fd]
            raise OSError(error.errno, f"cannot wait for descriptor {fd}: {error.strerror}") from None

    def unwatch(self, fd: int, writing: bool) -> bool:
        if (self._writers if writing else self._readers).pop(fd, None) is None:
            return False
        try:
            self._arm(fd)
        except OSError:
            pass  # closed before it was unwatched: the operating system has forgotten it already
        return True

    def listener(self, fd: int, writing: bool) -> Listener | None:
        return (self._writers if writing else self._readers).get(fd)

    def watching(self) -> bool:
        return bool(self._readers or self._writers)

    def poll(self, timeout: float | None) -> list[Event]:
        if (timeout is None or timeout > AUDIT_AFTER) and self.watching():
            events = self._collect(AUDIT_AFTER) or self._audit()
            if events or self._was_woken:
                return events
            timeout = None if timeout is None else timeout - AUDIT_AFTER
        return self._collect(timeout)

    def _collect(self, timeout: float | None) -> list[Event]:
        self._was_woken = False
        events: list[Event] = []
        for fd, readable, writable in self._wait(timeout):
            if fd == self._woken_fd:
                self._was_woken = True
                self._drain()
                continue
            rearm = False
            if readable and (listener := self._readers.get(fd)) is not None:
                events.append(listener)
                if listener.once:
                    del self._readers[fd]
                    rearm = True
            if writable and (listener := self._writers.get(fd)) is not None:
                events.append(listener)
                if listener.once:
                    del self._writers[fd]
                    rearm = True
            if rearm:
                self._spent(fd)
        return events

    def _spent(self, fd: int) -> None:
        """A listener that wanted one event has had it."""
        self._arm(fd)

    def _audit(self) -> list[Event]:
        events: list[Event] = []
        for table in self._readers, self._writers:
            for fd, listener in list(table.items()):
                try:
                    self._check(fd)
                except OSError:
                    del table[fd]
                    error = OSError(errno.EBADF, f"descriptor {fd} was closed while it was waited for")
                    events.append(Vanished(listener, error))
        return events

    def _drain(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            pass

    def wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except BlockingIOError:
            pass  # full of earlier calls: it will wake

    def wakeup_fd(self) -> int:
        return self._waker.fileno()

    def close(self) -> None:
        self._waker.close()
        self._woken.close()
        self._readers.clear()
        self._writers.clear()


if sys.platform == "linux":

    class EpollPoller(DescriptorPoller):
        """Linux's epoll, used directly.

        A descriptor whose listener wants one event is armed with EPOLLONESHOT and stays registered when it is spent:
        waiting for it again is one system call, `modify`, which also finds out when the number has come to mean
        another file in the meantime.
        """

        def __init__(self) -> None:
            super().__init__()
            self._epoll = select.epoll()
            self._epoll.register(self._woken_fd, select.EPOLLIN)
            self._registered: set[int] = set()  # as far as we know: a closed descriptor leaves without a word

        def _arm(self, fd: int) -> None:
            reader, writer = self._readers.get(fd), self._writers.get(fd)
            mask = 0
            if reader is not None:
                mask = select.EPOLLIN | (select.EPOLLONESHOT if reader.once else 0)
            if writer is not None:
                mask |= select.EPOLLOUT | (select.EPOLLONESHOT if writer.once else 0)
            if not mask:
                self._registered.discard(fd)
                self._epoll.unregister(fd)
            elif fd not in self._registered:
                self._register(fd, mask)
            else:
                try:
                    self._epoll.modify(fd, mask)
                except FileNotFoundError:
                    self._register(fd, mask)

        def _register(self, fd: int, mask: int) -> None:
            self._epoll.register(fd, mask)
            self._registered.add(fd)

        def _spent(self, fd: int) -> None:
            if fd in self._readers or fd in self._writers:
                self._arm(fd)

        def _wait(self, timeout: float | None) -> Iterable[tuple[int, bool, bool]]:
            for fd, mask in self._epoll.poll(timeout):
                # An error or a hang-up is an event for both: the system call that follows will tell which.
                yield fd, bool(mask & ~select.EPOLLOUT), bool(mask & ~select.EPOLLIN)

        def _check(self, fd: int) -> None:
            reader, writer = self._readers.get(fd), self._writers.get(fd)
            self._epoll.modify(fd, (select.EPOLLIN if reader else 0) | (select.EPOLLOUT if writer else 0))
            self._arm(fd)

        def close(self) -> None:
            super().close()
            self._epoll.close()


class SelectorPoller(DescriptorPoller):
    """A selector of the standard library; by default the best of this system."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__()
        self._selector = selectors.DefaultSelector() if selector is None else selector
        self._selector.register(self._woken_fd, selectors.EVENT_READ)

    def _arm(self, fd: int) -> None:
        events = ((selectors.EVENT_READ if fd in self._readers else 0)
                  | (selectors.EVENT_WRITE if fd in self._writers else 0))
        # Registered anew each time, since the number may have come to mean another file.
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        if events:
            self._selector.register(fd, events)

    def _wait(self, timeout: float | None) -> Iterable[tuple[int, bool, bool]]:
        for key, events in self._selector.select(timeout):
            yield key.fd, bool(events & selectors.EVENT_READ), bool(events & selectors.EVENT_WRITE)

    def _check(self, fd: int) -> None:
        os.fstat(fd)

    def close(self) -> None:
        super().close()
        self._selector.close()


def default_poller() -> Poller:
    """The best poller of this system."""
    if sys.platform == "linux":
        return EpollPoller()
    return SelectorPoller()
