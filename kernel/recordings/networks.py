"""Recording a simulated network: its hosts, which of them crash, its packets, and what partitions do to them.

The poller of a simulated kernel tells of that. Other pollers have no network, and then there is no object of this module.
"""

from __future__ import annotations

from time import monotonic_ns
from typing import Any, Protocol

from ..insight.requests import LIMIT, shown
from ..task import Task
from .rows import ARRIVED, CRASHED, CUT, HELD, JOINED, KINDS, LOST, SENT, STARTED
from .tables import Tables

PREVIEW = 2 * LIMIT  # bytes of a packet of which a text is made


class Clock(Protocol):
    """The recorder of the kernel."""

    number: int

    def look_at_clock(self, now: int) -> None:
        """Note what the kernel's clock shows, if that has changed."""


class SimulatedPoller(Protocol):
    """The poller of a simulated kernel."""

    def listen(self, listener: NetworkTrack) -> None: ...
    def host_of(self, task: Task[Any]) -> str: ...


class NetworkTrack:
    """Records the network that a kernel's tasks use."""

    def __init__(self, tables: Tables, track: Clock, poller: SimulatedPoller) -> None:
        self._tables = tables
        self._track = track
        self._host_of = poller.host_of
        self._addresses: dict[str, str] = {}  # of hosts
        self._hosts: dict[str, int] = {}  # numbers by names
        self._packets: dict[int, int] = {}  # numbers by those of the network
        poller.listen(self)

    @property
    def hears(self) -> bool:
        """Whether the recording goes on."""
        return not self._tables.writer.closed

    def host_of(self, task: Task[Any]) -> int:
        """The number of the host that a task belongs to; 0 for the program's own."""
        name = self._host_of(task)
        return self._host(name) if name else 0

    def _host(self, name: str) -> int:
        """The number of a host."""
        number = self._hosts.get(name)
        if number is None:
            number = self._hosts[name] = next(self._tables.hosts)
            self._tables.writer.definitions.append(
                {"host": number, "kernel": self._track.number, "name": name, "address": self._addresses[name]})
        return number

    def _note(self, subject: int, kind: int, *details: int) -> None:
        now = monotonic_ns()
        self._track.look_at_clock(now)
        self._tables.writer.network.extend((KINDS * subject + kind, now, *details))

    def _text(self, text: str) -> int:
        return self._tables.texts.number(text, value=text)

    def sent(self, number: int, source: str, target: str, what: str, data: bytes) -> None:
        known = self._packets[number] = next(self._tables.packets)
        carries = self._text(shown(data[:PREVIEW], LIMIT)) if data and self._tables.data else 0
        self._note(known, SENT, self._host(source), self._host(target), self._text(what), carries, len(data))

    def arrived(self, number: int) -> None:
        self._of_packet(number, ARRIVED)

    def held(self, number: int) -> None:
        self._of_packet(number, HELD)

    def lost(self, number: int) -> None:
        self._of_packet(number, LOST)

    def _of_packet(self, number: int, kind: int) -> None:
        known = self._packets.get(number)
        if known is not None:  # else it was sent before the recording began
            self._note(known, kind)

    def started(self, host: str, address: str) -> None:
        self._addresses[host] = address
        if len(self._addresses) > 1:  # the first is the program's own: it is defined when a packet leaves or reaches it
            self._note(self._host(host), STARTED)

    def crashed(self, host: str, power: bool) -> None:
        self._note(self._host(host), CRASHED, int(power))

    def cut(self, source: str, target: str) -> None:
        self._note(self._host(source), CUT, self._host(target))

    def joined(self, source: str, target: str) -> None:
        self._note(self._host(source), JOINED, self._host(target))
