"""The poller of Linux: epoll, used directly."""

from __future__ import annotations

import select

from .descriptor_poller import READABLE, WRITABLE, DescriptorPoller
from .protocols import Listener


class Lasting:
    """The registration of an endpoint's descriptor, which stays armed for reading also when nobody listens."""

    __slots__ = ("_fd", "_poller")

    def __init__(self, poller: EpollPoller, fd: int) -> None:
        self._poller = poller
        self._fd = fd

    def release(self) -> None:
        self._poller.release(self._fd)


class EpollPoller(DescriptorPoller):
    """Makes as few system calls to epoll as possible.

    A listener that wants one event is armed with EPOLLONESHOT. After the event the descriptor stays registered. To wait
    for it again takes one system call, `modify`. That call also fails when the number has come to mean another file.

    The descriptor of an endpoint needs no system call to be read again. It stays armed for reading while nobody
    listens, in the hope that the next read comes before the next message. If the message comes first, the poller takes
    the descriptor out of epoll. An open endpoint owns its descriptor, so the number cannot come to mean another file
    before the endpoint closes it. The endpoint keeps a `Lasting` object to say so.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._epoll.register(self._woken_fd, READABLE)
        self._wait = self._epoll.poll  # type: ignore[method-assign]
        self._registered: set[int] = set()  # as far as we know: epoll does not say when a descriptor is closed
        self._lasting: dict[int, Lasting] = {}  # armed for reading, whether or not anybody listens

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        endpoint = listener.endpoint
        if endpoint is None or writing:
            return super().watch(fd, writing, listener)
        registration = endpoint.registration
        if registration is not None and self._lasting.get(fd) is registration and fd not in self._readers:
            self._readers[fd] = listener
            return
        super().watch(fd, writing, listener)
        if fd not in self._writers:
            endpoint.registration = self._lasting[fd] = Lasting(self, fd)

    def _mask(self, fd: int) -> int:
        reader, writer = self._readers.get(fd), self._writers.get(fd)
        mask = 0
        if reader is not None:
            once = reader.once and (reader.endpoint is None or writer is not None)
            mask = READABLE | (select.EPOLLONESHOT if once else 0)
        if writer is not None:
            mask |= WRITABLE | (select.EPOLLONESHOT if writer.once else 0)
        return mask

    def _arm(self, fd: int) -> None:
        self._lasting.pop(fd, None)
        mask = self._mask(fd)
        if fd in self._registered:
            try:
                if mask:
                    self._epoll.modify(fd, mask)
                else:
                    self._registered.discard(fd)
                    self._epoll.unregister(fd)
                return
            except FileNotFoundError:
                pass  # another file by now
        if mask:
            self._epoll.register(fd, mask)
            self._registered.add(fd)

    def _spent(self, fd: int) -> None:
        if fd in self._readers or fd in self._writers:
            self._rearm(fd)

    def _unheard(self, fd: int) -> None:
        self._lasting.pop(fd, None)
        self._registered.discard(fd)
        try:
            self._epoll.unregister(fd)
        except OSError:
            self._renew()

    def _renew(self) -> None:
        """Take a new epoll instance, and leave a file behind that the old one goes on to tell of.

        We have closed that file, so we cannot take it out. Another process has a copy of it open.
        """
        self._epoll.close()
        self._epoll = select.epoll()
        self._epoll.register(self._woken_fd, READABLE)
        self._wait = self._epoll.poll  # type: ignore[method-assign]
        self._registered.clear()
        self._lasting.clear()
        for fd in {*self._readers, *self._writers}:
            self._rearm(fd)

    def release(self, fd: int) -> None:
        """Have epoll forget the descriptor, or know what is listened to where its number means another file by now."""
        if fd in self._registered:
            self._rearm(fd)

    def _check(self, fd: int) -> None:
        self._epoll.modify(fd, self._mask(fd))

    def close(self) -> None:
        super().close()
        self._registered.clear()
        self._epoll.close()
