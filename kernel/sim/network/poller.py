"""The poller of a simulated kernel: it asks the endpoints of the network, and refuses descriptors of the system's."""

from __future__ import annotations

import errno
from typing import Any

from ...core import Kernel
from ...devices import Event, Listener
from ...devices.listeners import Listeners
from ...task import Task
from .asked import NetworkListener
from .audience import Audience
from .hosts import life_of
from .wires import FIRST, Network


class SimulatedPoller(Listeners):
    """Which of the run's descriptors are ready. Where several are, it is a choice which of them comes first."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.kernel: Kernel
        self.touched: dict[int, None] = {}  # descriptors to look at, since something has changed there
        self._world = network.world
        self._network = network
        self._listeners: list[NetworkListener] = []
        network.pollers.append(self)

    def listen(self, listener: NetworkListener) -> None:
        """Have a recorder told of what happens in the network, until the kernel is closed."""
        self._listeners.append(listener)
        network = self._network
        network.audience = network.audience or Audience()
        network.audience.add(listener, network.hosts.values(), network.severed)

    def host_of(self, task: Task[Any]) -> str:
        """The name of the host that a task belongs to; empty for the program's own."""
        life = life_of(task)
        return "" if life is None or life.host is self._network.main else life.host.name

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        if fd not in self._network.files:
            if 0 <= fd < FIRST:
                raise self._world.refuse(
                    f"a wait for descriptor {fd}, which is the system's, to become "
                    f"{'writable' if writing else 'readable'}")
            raise OSError(errno.EBADF, f"cannot wait for descriptor {fd}: it is closed")
        self._add(fd, writing, listener)
        self.touched[fd] = None

    def poll(self, timeout: float | None) -> list[Event]:
        network = self._network
        network.advance()
        while network.at_next_poll:
            network.at_next_poll.pop(0)()
        if not self.touched and not self._vanished:
            return []
        ready: list[list[Listener]] = []  # of each descriptor
        readers, writers = self._readers, self._writers
        for fd in list(self.touched):
            endpoint = network.files[fd]
            found: list[Listener] = []
            if (reader := readers.get(fd)) is not None and endpoint.readable():
                found.append(reader)
                if reader.once:
                    del readers[fd]
            if (writer := writers.get(fd)) is not None and endpoint.writable():
                found.append(writer)
                if writer.once:
                    del writers[fd]
            if found:
                ready.append(found)
            else:
                del self.touched[fd]
        if len(ready) > 1:
            choices = self._world.choices
            first = choices.choose("poll", min(len(ready), self._world.reach + 1), "descriptors")
            if first:
                ready.insert(0, ready.pop(first))
                self._world.deviated_outside("of the descriptors that are ready",
                                             f"number {first + 1} comes first, of {len(ready)}")
        return [*(listener for found in ready for listener in found), *self._take_vanished()]

    def closed(self, fd: int, told: bool) -> None:
        """The descriptor was closed: by the program, which is told who waits for it, or by a crash."""
        self.touched.pop(fd, None)
        if told:
            self._vanish(fd)
        else:
            self.unwatch(fd, False)
            self.unwatch(fd, True)

    def wake(self) -> None:
        """Nothing waits in the operating system."""

    def wakeup_fd(self) -> int:
        return -1

    def close(self) -> None:
        super().close()
        self._network.pollers.remove(self)
        if (audience := self._network.audience) is not None:
            for listener in self._listeners:
                audience.remove(listener)
