"""The poller of Linux: epoll, used directly."""

from __future__ import annotations

import select

from .descriptor_poller import READABLE, WRITABLE, DescriptorPoller
from .protocols import Listener


class Lasting:
    """The registration of an endpoint that is armed for reading, whether or not anybody listens."""

    __slots__ = ("_fd", "_poller")

    def __init__(self, poller: EpollPoller, fd: int) -> None:
        self._poller = poller
        self._fd = fd

    def release(self) -> None:
        self._poller.release(self._fd)


class EpollPoller(DescriptorPoller):
    """Has epoll told as seldom as possible.

    A descriptor whose listener wants one event is armed with EPOLLONESHOT and stays registered when it is spent:
    waiting for it again is one system call, `modify`, which also finds out when the number has come to mean another
    file in the meantime.

    The descriptor of an endpoint needs not even that. It stays armed for reading while nobody listens, in the hope that
    the next read comes before the next message, and is disarmed when it does not. That its number still means the same
    file, the endpoint knows, which has a `Lasting` from then on until it is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._epoll.register(self._woken_fd, READABLE)
        self._wait = self._epoll.poll  # type: ignore[method-assign]
        self._registered: set[int] = set()  # as far as we know: a closed descriptor leaves without a word
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
        if self._mask(fd):
            self._rearm(fd)

    def _unheard(self, fd: int) -> None:
        self._lasting.pop(fd, None)
        self._registered.discard(fd)
        try:
            self._epoll.unregister(fd)
        except OSError:
            self._renew()

    def _renew(self) -> None:
        """Take a new epoll instance.

        The old one tells of a file that we have closed and cannot take out, since a copy is open in another process.
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
