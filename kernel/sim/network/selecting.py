"""`select.select`, `poll` and `epoll` in a simulated run: what blocking programs ask which of their sockets are ready."""

from __future__ import annotations

import math
import select as real
import selectors
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from .endpoints import Endpoint
from .wires import Network

IN, OUT, ERR, HUP, NVAL = 1, 4, 8, 16, 32  # of poll and epoll alike
ONESHOT = 1 << 30


def number_of(network: Network, file: Any, call: str) -> int:
    """The descriptor of `file`, which is one of the run's; others are refused."""
    fd: int = file if isinstance(file, int) else file.fileno()
    if fd not in network.files:
        if fd < 0:
            raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
        raise network.world.refuse(f"{call} with descriptor {fd}, which is no simulated one")
    return fd


def select(network: Network, rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any],
           timeout: float | None = None) -> tuple[list[Any], list[Any], list[Any]]:
    """`select.select`. Nothing is ever exceptional."""
    readers, writers = ([(network.files[number_of(network, file, "select.select()")], file) for file in files]
                        for files in (rlist, wlist))
    ends = list(dict.fromkeys(end for end, _ in (*readers, *writers)))
    found: tuple[list[Any], list[Any], list[Any]] = [], [], []

    def look() -> bool:
        found[0][:] = [file for end, file in readers if end.readable()]
        found[1][:] = [file for end, file in writers if end.writable()]
        return bool(found[0] or found[1])

    _wait(network, ends, look, math.inf if timeout is None else timeout, "select.select()")
    return found


def _wait(network: Network, ends: list[Endpoint], look: Callable[[], bool], seconds: float, call: str) -> None:
    with suppress(TimeoutError):
        network.block(ends, look, seconds, call)


class Poll:
    """What `select.poll()` makes, with a time limit in milliseconds."""

    call = "select.poll()"
    unit = 0.001  # seconds

    def __init__(self, network: Network) -> None:
        self._network = network
        self._wanted: dict[int, int] = {}

    def register(self, fd: Any, eventmask: int = IN | OUT | 2) -> None:
        self._wanted[number_of(self._network, fd, self.call)] = eventmask

    def modify(self, fd: Any, eventmask: int) -> None:
        number = number_of(self._network, fd, self.call)
        if number not in self._wanted:
            raise FileNotFoundError(2, "No such file or directory")
        self._wanted[number] = eventmask

    def unregister(self, fd: Any) -> None:
        del self._wanted[fd if isinstance(fd, int) else fd.fileno()]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        files = self._network.files
        found: list[tuple[int, int]] = []

        def look() -> bool:
            found[:] = [(fd, events) for fd, wanted in self._wanted.items() if (events := self._events(fd, wanted))]
            return bool(found)

        ends = [files[fd] for fd in self._wanted if fd in files]
        seconds = math.inf if timeout is None or timeout < 0 else timeout * self.unit
        _wait(self._network, ends, look, seconds, self.call)
        return found

    def _events(self, fd: int, wanted: int) -> int:
        end = self._network.files.get(fd)
        if end is None:
            return NVAL
        ready = (IN if end.readable() else 0) | (OUT if end.writable() else 0)
        return ready & wanted | (ERR if end.error else 0) | (HUP if end.hung_up() else 0)


class Epoll(Poll):
    """What `select.epoll()` makes, with a time limit in seconds. It is never edge-triggered."""

    call = "select.epoll()"
    unit = 1.0

    def __init__(self, network: Network, sizehint: int = -1, flags: int = 0) -> None:
        super().__init__(network)
        self.closed = False

    def register(self, fd: Any, eventmask: int = IN | OUT | 2) -> None:
        if (fd if isinstance(fd, int) else fd.fileno()) in self._wanted:
            raise FileExistsError(17, "File exists")
        super().register(fd, eventmask)

    def unregister(self, fd: Any) -> None:
        if self._wanted.pop(fd if isinstance(fd, int) else fd.fileno(), None) is None:
            raise FileNotFoundError(2, "No such file or directory")

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        for fd in [fd for fd in self._wanted if fd not in self._network.files]:
            del self._wanted[fd]  # it was closed, which ends the watch
        found = super().poll(timeout)[:maxevents if maxevents > 0 else None]
        for fd, _ in found:
            if self._wanted[fd] & ONESHOT:
                self._wanted[fd] = 0
        return found

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Epoll:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def replacements() -> Iterator[tuple[Any, str, Any]]:
    """Whose attribute is replaced in a run, its name, and what gets the network and the arguments in its place."""
    for name, simulated, keeper, kept in (("select", select, "SelectSelector", "_select"),
                                          ("poll", Poll, "PollSelector", "_selector_cls"),
                                          ("epoll", Epoll, "EpollSelector", "_selector_cls")):
        if hasattr(real, name):  # some systems lack some
            yield real, name, simulated
            yield getattr(selectors, keeper), kept, simulated
