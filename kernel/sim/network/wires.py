"""The network of a run: what is on its way, how long it takes, what is cut off, and which descriptors there are.

Whatever one endpoint tells another is a *packet*: some bytes, an end, a wish to connect. When it arrives is a choice.
In the quiet schedule it takes the least time of its link, which is none on one host. By choice it takes a moment more,
or until one of the next deadlines, or just longer than that, up to the most that the link may take. So the races of a
packet with a time limit are all within a choice or two. Bytes may come in two pieces. Where faults are asked for, a
packet is also where they strike: it may meet a partition, a reset or a crash.

Packets of one direction of a connection keep their order, and none is lost: a partition holds them up. Datagrams may
be lost, doubled and overtaken on a link with `loss`, and a partition drops them.
"""

from __future__ import annotations

import errno
import gc
import math
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from warnings import catch_warnings, simplefilter

from .asked import Poller, World
from .hosts import HERE, Host, Life, life_of

if TYPE_CHECKING:
    from .endpoints import Endpoint

FIRST = 1_000_000  # the first of the simulated descriptors: a number that no real one has
MOMENT = 0.001  # seconds: a packet that takes a little longer
LEAST, MOST = 0.0005, 0.05  # seconds that a packet takes between two hosts, unless their link says otherwise
MOST_CLOSES = 100  # of code that goes on in its `finally`
LONG = 127.0  # seconds after which a system gives up to connect to a host that says nothing
DURATIONS = (1.0, 0.1, 5.0, 30.0)  # seconds of a partition, or until a restart; the first one in the quiet schedule
FAULTS = ("partition", "reset", "crash")

here: dict[int, Network] = {}  # the network of the run that goes on in a thread, by the thread


def failure(number: int, why: str | None = None) -> OSError:
    """The error of that number."""
    return OSError(number, os.strerror(number) + (f": {why}" if why else ""))


class Link(NamedTuple):
    """How packets get from one host to another."""

    least: float = LEAST  # seconds
    most: float = MOST
    loss: float = 0.0  # the share of datagrams that may get lost; above 0 they are also doubled and overtaken
    bandwidth: float = math.inf  # bytes per second


class Packet:
    """Something on its way, to be told by `arrive()`. `subject` is what it is, or has a `label` that says it."""

    __slots__ = ("arrive", "lost", "reset", "source", "subject", "target")

    def __init__(self, source: Life, target: Life, subject: Any, arrive: Callable[[], object],
                 reset: Callable[[], object] | None = None, lost: Callable[[], object] | None = None) -> None:
        self.source = source
        self.target = target
        self.subject = subject
        self.arrive = arrive
        self.reset = reset  # the connection that it belongs to, if it does
        self.lost = lost  # what to do when a partition meets it; else it waits for the end of that


class Network:
    """The network of one run. `open` until the run has ended."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.open = True
        self.coming: list[tuple[float, int, Callable[[], object], Any]] = []  # a heap: what happens when, and its name
        self.files: dict[int, Endpoint] = {}  # by descriptor
        self.pollers: list[Poller] = []  # of the kernels of the run
        self.bound: dict[Any, list[Endpoint]] = {}  # by host, protocol and port, or by path
        self.names: dict[str, str] = {}  # addresses by the names that programs look up
        self.buried: list[Any] = []  # the code of tasks that a crash has stopped
        self.crashed = False  # whether any host has
        self.faults: tuple[str, ...] = ()
        self.at_next_poll: list[Callable[[], object]] = []  # what is to be done when no task runs
        self._free: list[int] = []
        self._next = FIRST
        self._numbers = count()
        self._links: dict[tuple[Host, Host], Link] = {}
        self._free_at: dict[tuple[Host, Host], float] = {}  # when a link with a bandwidth has sent what it was given
        self._cut: set[tuple[Host, Host]] = set()
        self._held: list[Packet] = []  # by a partition
        self._ports: dict[Host, int] = {}
        self.hosts: dict[str, Host] = {}
        self.main = self.add_host("main", 0.0)

    # Hosts and links.

    def add_host(self, name: str, clock_offset: float) -> Host:
        number = len(self.hosts) + 1
        address = f"10.0.{number >> 8}.{number & 255}"
        host = self.hosts[name] = Host(self, name, address, clock_offset)
        self.names[name] = address
        return host

    def here(self) -> Life:
        """The host that runs now."""
        # A syscall is carried out outside of the context of its task, and so is what a timer or a descriptor brings.
        life: Life | None = None
        for poller in reversed(self.pollers):
            kernel = poller.kernel
            if life is None and (running := kernel.current or kernel.firing) is not None:
                life = life_of(running)
        life = life or HERE.get(None)
        return self.main.life if life is None or self.hosts.get(life.host.name) is not life.host else life

    def find(self, address: str, source: Host) -> Host | None:
        """The host with that address, as one sees it from `source`."""
        if address in ("::1", "::", "") or address.startswith(("127.", "0.", "::ffff:127.")):
            return source
        return next((host for host in self.hosts.values() if host.address == address.removeprefix("::ffff:")), None)

    def join(self, one: Host, other: Host, link: Link) -> None:
        """Have `link` lead from one host to the other, and back."""
        self._links[one, other] = self._links[other, one] = link

    def link(self, source: Host, target: Host) -> Link:
        if source is target:
            return Link(0.0, self.world.longest_stall)
        return self._links.get((source, target)) or Link()

    def partition(self, some: Iterable[Host], others: Iterable[Host], one_way: bool) -> None:
        """Let nothing get from `some` to `others`, nor back unless it is `one_way`."""
        others = list(others)
        for one in some:
            for other in others:
                self._cut |= {(one, other)} if one_way else {(one, other), (other, one)}

    def heal(self) -> None:
        """End all partitions."""
        self._cut.clear()
        held, self._held = self._held, []
        for packet in held:
            self._arrive(packet)

    def free_port(self, host: Host) -> int:
        """A port that nothing is bound to."""
        port = self._ports.get(host, 32767)
        for _ in range(28232):
            port = port + 1 if port < 60999 else 32768
            if not any((host, kind, port) in self.bound for kind in ("stream", "datagram")):
                self._ports[host] = port
                return port
        raise failure(errno.EADDRINUSE)

    # What happens when.

    def at(self, moment: float, action: Callable[[], object], subject: Any) -> None:
        """Have `action()` happen at that time. `subject` is what to call it, or has a `label` that says it."""
        heappush(self.coming, (moment, next(self._numbers), action, subject))

    def next_time(self) -> float:
        """When something happens next; infinity if nothing does."""
        return self.coming[0][0] if self.coming else math.inf

    def advance(self) -> None:
        """Have happen what was to happen until now."""
        coming, now = self.coming, self.world.clock.time
        while coming and coming[0][0] <= now:
            heappop(coming)[2]()

    def block(self, endpoint: Endpoint, ready: Callable[[], bool], timeout: float, call: str) -> None:
        """Wait as a blocking socket does. `TimeoutError` when it is not `ready` after so many seconds.

        A step that blocks is a step that takes long: nothing else runs meanwhile, but for what is on its way. A
        function in a thread waits there, and the others go on.
        """
        clock = self.world.clock
        until = clock.time + timeout
        thread = self.world.thread()
        self.advance()
        while not ready():
            if clock.time >= until:
                raise TimeoutError("timed out")
            if thread is not None:
                endpoint.sleepers.append(thread)
                thread.pause(until - clock.time)
                if thread in endpoint.sleepers:
                    endpoint.sleepers.remove(thread)
                continue
            moment = min(self.next_time(), until)
            if moment == math.inf:
                raise self.world.refuse(f"{call}, which blocks the whole program for ever,")
            clock.pass_time(moment - clock.time)
            self.advance()

    # Descriptors.

    def new_descriptor(self, endpoint: Endpoint) -> int:
        """The lowest number that is free, as of a real system."""
        if self._free:
            fd = heappop(self._free)
        else:
            fd, self._next = self._next, self._next + 1
        self.files[fd] = endpoint
        endpoint.descriptors.append(fd)
        return fd

    def close_descriptor(self, fd: int, told: bool = True) -> None:
        """Close the descriptor; whoever waits for it is `told`."""
        endpoint = self.files.pop(fd)
        if told:  # an event loop still takes those that a crash has closed for in use
            heappush(self._free, fd)
        for poller in self.pollers:
            poller.closed(fd, told)
        endpoint.descriptors.remove(fd)
        if not endpoint.descriptors:
            endpoint.close()

    def end(self) -> None:
        """The run is over. What a crash has stopped is thrown away now: nobody is to hear of what it does then."""
        self.open = False
        if self.buried:
            with catch_warnings():
                simplefilter("ignore")
                for code in self.buried:
                    for _ in range(MOST_CLOSES):
                        with suppress(BaseException):  # its machine has crashed, and its sockets are closed
                            code.close()
                            break  # else it has awaited something in its `finally`
                self.buried.clear()
                gc.collect(0)

    # Packets.

    def send(self, packet: Packet, size: int, not_before: float = 0.0, datagram: bool = False,
             split: Callable[[], tuple[Callable[[], object], Callable[[], object]]] | None = None) -> float:
        """Have `packet`, of so many bytes, arrive: not before that time. Returns when it arrives.

        `split` gives the two halves of what is to be told, for a choice that has them arrive one after the other.
        """
        world = self.world
        source, target = packet.source.host, packet.target.host
        link = self.link(source, target)
        moment = world.clock.time + link.least
        if link.bandwidth != math.inf:
            begin = max(world.clock.time, self._free_at.get((source, target), 0.0))
            done = self._free_at[source, target] = begin + size / link.bandwidth
            moment = done + link.least
        moment = max(moment, not_before)
        room = link.most - link.least
        near = world.options_after(moment, room)
        lossy = datagram and link.loss > 0
        faults = [fault for fault in self.faults if self._can(fault, packet)]
        if "partition" in faults and len(self.hosts) > 2:
            faults.append("isolation")
        later = 1 + 2 * near if room > 0 else 0
        options = 1 + later + (1 if split is not None else 0) + (2 if lossy else 0) + len(faults)
        value = world.choices.choose("packet", options, packet.subject) if options > 1 else 0
        if value:
            moment = self._deviate(value, packet, moment, room, near if room > 0 else -1, split, lossy, faults)
        elif moment <= world.clock.time and not self.coming_now(moment):
            self._arrive(packet)
        else:
            self.at(moment, lambda: self._arrive(packet), packet.subject)
        return moment

    def coming_now(self, moment: float) -> bool:
        """Whether something was to happen by then, and has not: it goes first."""
        return bool(self.coming) and self.coming[0][0] <= moment

    def _deviate(self, value: int, packet: Packet, moment: float, room: float, near: int,
                 split: Callable[[], tuple[Callable[[], object], Callable[[], object]]] | None, lossy: bool,
                 faults: list[str]) -> float:
        """What a choice that is not the quiet one does to a packet that would arrive at `moment`."""
        world = self.world
        later = 1 + 2 * near
        if value <= later:
            exact = value - 1 if value - 1 <= near else value - 1 - near
            found = None if value == 1 else world.deadline_after(moment, exact, room)
            if found is None:
                found = moment + min(MOMENT, room)
            elif value - 1 > near:
                found += min(MOMENT, room)
            moment = found
            self.at(moment, lambda: self._arrive(packet), packet.subject)
            about = f"takes until {moment:g} s"
        elif split is not None and value == later + 1:
            first, second = split()
            packet.arrive = first
            rest = Packet(packet.source, packet.target, packet.subject, second, packet.reset, packet.lost)
            self.at(moment, lambda: self._arrive(packet), packet.subject)
            moment += MOMENT
            self.at(moment, lambda: self._arrive(rest), packet.subject)
            about = "comes in two pieces"
        else:
            value -= later + (1 if split is not None else 0)
            if lossy and value <= 2:
                about = "is lost" if value == 1 else "comes twice"
                if value == 2:
                    self.at(moment, lambda: self._arrive(packet), packet.subject)
                    self.at(moment + min(MOMENT, room), lambda: self._arrive(packet), packet.subject)
            else:
                about = self._strike(faults[value - 1 - (2 if lossy else 0)], packet, moment)
        world.deviated_outside(packet.subject, about)
        return moment

    # Faults.

    def _can(self, fault: str, packet: Packet) -> bool:
        target = packet.target.host
        if fault == "reset":
            return packet.reset is not None
        if fault == "crash":
            return target is not self.main and target.up and target.program is not None
        return True

    def _strike(self, fault: str, packet: Packet, moment: float) -> str:
        """Have `fault` meet `packet`; what to say of it."""
        source, target = packet.source.host, packet.target.host
        if fault == "reset":
            assert packet.reset is not None
            packet.reset()
            return "does not arrive: its connection is reset"
        clock, choices = self.world.clock, self.world.choices
        if fault in ("partition", "isolation"):
            others = [source] if fault == "partition" else [host for host in self.hosts.values() if host is not target]
            cut = {way for other in others for way in ((other, target), (target, other))} - self._cut
            self._cut |= cut
            seconds = DURATIONS[choices.choose("partition", len(DURATIONS), f"{source.name} and {target.name}")]
            self.at(clock.time + seconds, lambda: self._rejoin(cut), "the end of a partition")
            self.at(moment, lambda: self._arrive(packet), packet.subject)
            who = f"{source.name} and {target.name} are cut off from each other" if fault == "partition" else \
                f"{target.name} is cut off from all others"
            return f"meets a partition: {who} for {seconds:g} s"
        number = choices.choose("restart", 2 * len(DURATIONS), target.name)
        power, seconds = number >= len(DURATIONS), DURATIONS[number % len(DURATIONS)]
        self.at(moment, lambda: None if target.life.dead else target.crash(power=power, restart_after=seconds),
                f"the crash of {target.name}")
        crashes = "loses power" if power else "crashes"
        return f"meets a crash: at {moment:g} s host {target.name!r} {crashes}, and starts again after {seconds:g} s"

    def _rejoin(self, cut: set[tuple[Host, Host]]) -> None:
        self._cut -= cut
        held, self._held = self._held, []
        for packet in held:
            self._arrive(packet)

    def _arrive(self, packet: Packet) -> None:
        if (packet.source.host, packet.target.host) in self._cut:
            if packet.lost is None:
                self._held.append(packet)
            else:
                packet.lost()
        else:
            packet.arrive()
