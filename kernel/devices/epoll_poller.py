"""The poller of Linux: epoll, used directly."""

from __future__ import annotations

import select

from .descriptor_poller import READABLE, WRITABLE, DescriptorPoller
from .protocols import Listener


class EpollPoller(DescriptorPoller):
    """Makes as few system calls to epoll as possible.

    A listener that wants one event is armed with EPOLLONESHOT. After the event the descriptor stays registered. To wait
    for it again takes one system call, `modify`. That call also fails when the number has come to mean another file.

    The descriptor of an endpoint needs no system call to be read again. It stays armed for reading while nobody
    listens, in the hope that the next read comes before the next message. If the message comes first, the poller takes
    the descriptor out of epoll. An open endpoint owns its descriptor, so the number cannot come to mean another file
    before the endpoint closes it. The endpoint keeps the poller as its `registration` to say so.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._epoll.register(self._woken_fd, READABLE)
        self._wait = self._epoll.poll  # type: ignore[method-assign]
        # What epoll knows, as far as we know: it does not say when a descriptor is closed. True stands for one that is
        # armed for reading, whether or not anybody listens. One table is all that most connections need.
        self._registered: dict[int, bool] = {}

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        endpoint = listener.endpoint
        if endpoint is None or writing:
            return super().watch(fd, writing, listener)
        if endpoint.registration is self and self._registered.get(fd) and fd not in self._readers:
            self._readers[fd] = listener
            return
        super().watch(fd, writing, listener)
        if fd not in self._writers:
            endpoint.registration = self
            self._registered[fd] = True

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
        mask = self._mask(fd)
        if fd in self._registered:
            self._registered[fd] = False
            try:
                if mask:
                    self._epoll.modify(fd, mask)
                else:
                    del self._registered[fd]
                    self._epoll.unregister(fd)
                return
            except FileNotFoundError:
                pass  # another file by now
        if mask:
            self._epoll.register(fd, mask)
            self._registered[fd] = False

    def _spent(self, fd: int) -> None:
        if fd in self._readers or fd in self._writers:
            self._rearm(fd)

    def _unheard(self, fd: int) -> None:
        self._registered.pop(fd, None)
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
