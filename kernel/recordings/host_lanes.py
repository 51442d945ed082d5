"""What a timeline shows of a simulated network: a row for each host, and an arrow for each packet.

What a host sends and gets takes no time. The viewers draw arrows between slices alone, so each of these is a short one.
"""

from __future__ import annotations

from collections.abc import Callable

from .lanes import KernelLane, microseconds
from .moments import ARRIVED, CRASHED, CUT, HELD, JOINED, LOST, SENT, STARTED, Moment
from .reading import Data, Recording
from .words import quoted

LONGEST = 10_000  # nanoseconds that a slice is drawn long, unless something else happens at the host before its end
HELD_UP, IS_LOST = quoted("a partition holds a packet up"), quoted("a packet is lost")
TOLD = {CUT: "sends nothing more to", JOINED: "sends again to"}


class HostLane:
    """The row of a host."""

    def __init__(self, kernel: KernelLane, tid: int, write: Callable[[str], object]) -> None:
        self.kernel = kernel
        self._put = write
        self._thread = f'"pid":{kernel.pid},"tid":{tid}'
        self._open: tuple[int, str, str] | None = None  # a slice: since when, what is in it, and the arrow there
        self._down = False

    def mark(self, time: int, name: str, details: str = "", arrow: str = "") -> None:
        """Something happens at the host. `arrow` is the event of an arrow that begins or ends here, but for its time."""
        self.close(time)
        self._open = time, f'"cat":"network","name":{name},"args":{{{details}}}', arrow

    def close(self, time: int) -> None:
        """End the slice that is open, if one is."""
        if self._open is not None:
            since, rest, arrow = self._open
            self._open = None
            self._event("X", since, f'"dur":{microseconds(min(LONGEST, time - since))},{rest}')
            if arrow:
                phase, _, rest = arrow.partition(" ")
                self._event(phase, since, rest)

    def crash(self, time: int, name: str) -> None:
        self.close(time)
        self._down = True
        self._event("B", time, f'"cat":"network","name":{name}')

    def rise(self, time: int) -> None:
        """The host starts again, or the recording ends."""
        self.close(time)
        if self._down:
            self._down = False
            self._event("E", time, '"cat":"network"')

    def _event(self, phase: str, time: int, rest: str) -> None:
        self._put(f'{{"ph":"{phase}",{self._thread},"ts":{microseconds(time)},{rest}}}')


class HostLanes:
    """The rows of all hosts of a recording."""

    def __init__(self, recording: Recording, write: Callable[[str], object]) -> None:
        self._recording = recording
        self._put = write
        self._lanes: dict[int, HostLane] = {}
        self._flying: set[int] = set()  # packets whose arrow has begun

    def add(self, host: int, kernel: KernelLane, tid: int) -> None:
        self._lanes[host] = HostLane(kernel, tid, self._put)

    def take(self, time: int, moment: Moment) -> None:
        """Draw a moment, which is at `time` on the axis."""
        kind, first, second = moment.kind, moment.first, moment.second
        if kind in (SENT, ARRIVED, HELD, LOST):
            self._take_packet(kind, time, first, self._recording.packets[first])
            return
        lane = self._lanes[first]
        if kind == STARTED:
            lane.rise(time)
            lane.mark(time, quoted("starts again" if second else "starts"))
        elif kind == CRASHED:
            lane.crash(time, quoted("has no power" if second else "has crashed"))
        else:
            lane.mark(time, quoted(f"{TOLD[kind]} {self._recording.hosts[second]['name']}"))

    def _take_packet(self, kind: int, time: int, number: int, packet: Data) -> None:
        source, target = self._lanes[packet["source"]], self._lanes[packet["target"]]
        carries = packet["carries"] or packet["text"]
        details = (f'"packet":{number},"what":{quoted(packet["text"])},"bytes":{packet["size"]},'
                   f'"carries":{quoted(packet["carries"])}')
        arrow = f'"cat":"packet","name":"packet","id":{number}'
        if kind == SENT:
            self._flying.add(number)
            source.mark(time, quoted(f"sends {carries}"), details, f"s {arrow}")
        elif kind == ARRIVED:
            target.mark(time, quoted(f"gets {carries}"), details, f'f "bp":"e",{arrow}' if number in self._flying else "")
            self._flying.discard(number)
        else:
            source.mark(time, HELD_UP if kind == HELD else IS_LOST, details)

    def end(self, time: int) -> None:
        """End what is open where the recording ends."""
        for lane in self._lanes.values():
            lane.rise(lane.kernel.axis.at(time))
