"""Who is told of packets, hosts and partitions: a recorder, if there is one."""

from __future__ import annotations

from collections.abc import Iterable

from .asked import NetworkListener
from .hosts import Host
from .packets import Packet


class Audience:
    """The listeners of a network, several in the place of one. A network to which nobody has listened has no audience."""

    def __init__(self) -> None:
        self._listeners: list[NetworkListener] = []
        self._sent = 0

    def add(self, listener: NetworkListener, hosts: Iterable[Host], cut: Iterable[tuple[Host, Host]]) -> None:
        """Have `listener` told of what happens from now on, and first of how things stand."""
        others, self._listeners = self._listeners, [listener]
        for host in hosts:
            self.started(host)
            if host.life.dead:
                self.crashed(host)
        self.cut(cut)
        self._listeners = [*others, listener]

    def remove(self, listener: NetworkListener) -> None:
        self._listeners.remove(listener)

    def _those(self) -> list[NetworkListener]:
        return [listener for listener in self._listeners if listener.hears]

    def sent(self, packet: Packet) -> None:
        self._sent += 1
        packet.number = self._sent
        for listener in self._those():
            listener.sent(packet.number, packet.source.host.name, packet.target.host.name, packet.what, packet.data)

    def delivered(self, packet: Packet) -> None:
        """The packet has come to the end of its way."""
        target = packet.target
        if target.silent and target.host.life is target:  # nobody is there whom it could reach
            self.lost(packet)
        else:
            for listener in self._those():
                listener.arrived(packet.number)

    def held(self, packet: Packet) -> None:
        for listener in self._those():
            listener.held(packet.number)

    def lost(self, packet: Packet) -> None:
        for listener in self._those():
            listener.lost(packet.number)

    def started(self, host: Host) -> None:
        for listener in self._those():
            listener.started(host.name, host.address)

    def crashed(self, host: Host) -> None:
        for listener in self._those():
            listener.crashed(host.name, host.life.silent)

    def cut(self, ways: Iterable[tuple[Host, Host]]) -> None:
        for source, target in _in_order(ways):
            for listener in self._those():
                listener.cut(source.name, target.name)

    def joined(self, ways: Iterable[tuple[Host, Host]]) -> None:
        for source, target in _in_order(ways):
            for listener in self._those():
                listener.joined(source.name, target.name)


def _in_order(ways: Iterable[tuple[Host, Host]]) -> list[tuple[Host, Host]]:
    """The same in each process."""
    return sorted(ways, key=lambda way: (way[0].name, way[1].name))
