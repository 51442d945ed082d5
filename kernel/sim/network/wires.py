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
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from ...core import Kernel
from .asked import Poller, World
from .audience import Audience
from .faults import possible_faults, strike
from .hosts import HERE, Host, Life, bury, life_of
from .links import Link
from .packets import Packet

if TYPE_CHECKING:
    from .endpoints import Endpoint

FIRST = 1_000_000  # the first of the simulated descriptors: a number that no real one has
MOMENT = 0.001  # seconds: a packet that takes a little longer
MANY_PACKETS = 1000  # at one moment of virtual time, after which a moment passes
MOST_CLOSES = 100  # of code that goes on in its `finally`
LONG = 127.0  # seconds after which a system gives up to connect to a host that says nothing

here: dict[int, Network] = {}  # the network of the run that goes on in a thread, by the thread


def failure(number: int, why: str | None = None) -> OSError:
    """The error of that number."""
    return OSError(number, os.strerror(number) + (f": {why}" if why else ""))


class Network:
    """The network of one run. `open` until the run has ended."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.open = True
        self.coming: list[tuple[float, int, Callable[[], object], Any]] = []  # a heap: what happens when, and its name
        self.files: dict[int, Endpoint] = {}  # by descriptor
        self.pollers: list[Poller] = []  # of the kernels of the run
        self.bound: dict[Any, dict[Endpoint, None]] = {}  # by host, protocol and port, or by file
        self.names: dict[str, str] = {}  # addresses by the names that programs look up
        self.buried: list[Any] = []  # the code of tasks that a crash has stopped
        self.crashed = False  # whether any host has
        self.faults: tuple[str, ...] = ()
        self.is_calm = False  # no fault strikes any more
        self.at_next_poll: list[Callable[[], object]] = []  # what is to be done when no task runs
        self._free: list[int] = []
        self._next = FIRST
        self._numbers = count()
        self._since, self._sent = 0.0, 0  # a moment, and how many packets were sent at it
        self.audience: Audience | None = None  # recorders, if there are any
        self._links: dict[tuple[Host, Host], Link] = {}
        self._free_at: dict[tuple[Host, Host], float] = {}  # when a link with a bandwidth has sent what it was given
        self.severed: set[tuple[Host, Host]] = set()  # on which ways nothing gets through
        self._held: list[Packet] = []  # by a partition
        self._ports: dict[Host, int] = {}
        self.hosts: dict[str, Host] = {}
        self._addresses: dict[str, Host] = {}
        self.main = self.add_host("main", 0.0)

    # Hosts and links.

    def add_host(self, name: str, clock_offset: float) -> Host:
        number = len(self.hosts) + 1
        address = f"10.0.{number >> 8}.{number & 255}"
        host = self.hosts[name] = Host(self, name, address, clock_offset)
        self.names[name] = address
        self._addresses[address] = host
        if self.audience is not None:
            self.audience.started(host)
        return host

    def here(self) -> Life:
        """The host that runs now."""
        life = HERE.get(None)
        if life is None:
            # A syscall is carried out outside of the context of its task, and so is what a timer or a descriptor brings.
            running = (poller.kernel.current or poller.kernel.firing for poller in reversed(self.pollers))
            life = next((found for item in running if (found := life_of(item)) is not None), None)
        return self.main.life if life is None or self.hosts.get(life.host.name) is not life.host else life

    def find(self, address: str, source: Host) -> Host | None:
        """The host with that address, as one sees it from `source`."""
        if address in ("::1", "::", "") or address.startswith(("127.", "0.", "::ffff:127.")):
            return source
        return self._addresses.get(address.removeprefix("::ffff:"))

    def join(self, one: Host, other: Host, link: Link) -> None:
        """Have `link` lead from one host to the other, and back."""
        self._links[one, other] = self._links[other, one] = link

    def link(self, source: Host, target: Host) -> Link:
        if source is target:
            return Link(0.0, self.world.longest_stall)
        return self._links.get((source, target)) or Link()

    def delay(self, source: Host, target: Host) -> float:
        """The least seconds that what is sent now takes, or those that its link's function gives."""
        return self.link(source, target).delay(self.world, source.name, target.name)

    def partition(self, some: Iterable[Host], others: Iterable[Host], one_way: bool) -> None:
        """Let nothing get from `some` to `others`, nor back unless it is `one_way`."""
        others = list(others)
        for one in some:
            for other in others:
                self.cut({(one, other)} if one_way else {(one, other), (other, one)})

    def heal(self) -> None:
        """End all partitions."""
        self.rejoin(set(self.severed))

    def calm(self) -> None:
        """Let no fault strike from now on, and have an end what those before have done."""
        self.is_calm = True
        self.heal()
        for host in self.hosts.values():
            if host.life.dead and host.program is not None:
                host.restart()

    def free_port(self, host: Host) -> int:
        """A port that nothing is bound to."""
        port = self._ports.get(host, 32767)
        for _ in range(28232):
            port = port + 1 if port < 60999 else 32768
            if not any(entry in self.bound for entry in (
                    (host, "stream", port), (host, "stream", port, "accepted"), (host, "datagram", port))):
                self._ports[host] = port
                return port
        raise failure(errno.EADDRINUSE)

    # What happens when.

    def at(self, moment: float, action: Callable[[], object], subject: Any) -> None:
        """Have `action()` happen at that time. `subject` is what to call it, or has a `label` that says it."""
        heappush(self.coming, (moment, next(self._numbers), action, subject))

    def after(self, seconds: float, action: Callable[[], object], subject: Any) -> None:
        """Have `action()` happen after so many seconds: at once after none."""
        if seconds:
            self.at(self.world.clock.time + seconds, action, subject)
        else:
            action()

    def next_time(self) -> float:
        """When something happens next; infinity if nothing does."""
        return self.coming[0][0] if self.coming else math.inf

    def advance(self) -> None:
        """Have happen what was to happen until now."""
        coming, now = self.coming, self.world.clock.time
        while coming and coming[0][0] <= now:
            heappop(coming)[2]()

    def block(self, endpoints: Sequence[Endpoint], ready: Callable[[], bool], timeout: float, call: str) -> None:
        """Wait as a blocking socket does. `TimeoutError` when it is not `ready` after so many seconds.

        What happens at `endpoints` may make it ready. A step that blocks is a step that takes long: nothing else runs
        meanwhile, but for what is on its way. A function in a thread waits there, and the others go on.
        """
        clock = self.world.clock
        until = clock.time + timeout
        thread = self.world.thread()
        self.advance()
        while not ready():
            if clock.time >= until:
                raise TimeoutError("timed out")
            if thread is not None:
                for endpoint in endpoints:
                    endpoint.sleepers.append(thread)
                thread.pause(until - clock.time)
                for endpoint in endpoints:
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

    def main_ended(self, kernel: Kernel) -> None:
        """The program has ended. Other hosts know of no end: what runs there is stopped, and not cancelled."""
        others = [task for task in kernel.everyone() if life_of(task) is not None]
        for task in others:
            life_of(task).dead = self.crashed = True  # type: ignore[union-attr]  # as was asked
        bury(kernel, others, self.buried)

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

    def answer(self, packet: Packet) -> None:
        """Have `packet` arrive when its link lets it, without a choice: nothing can happen to it on its way."""
        if self.audience is not None:
            self.audience.sent(packet)
        self.after(self.delay(packet.source.host, packet.target.host), lambda: self._deliver(packet), packet.subject)

    def send(self, packet: Packet, not_before: float = 0.0, datagram: bool = False,
             split: Callable[[bytes], object] | None = None) -> float:
        """Have `packet` arrive: not before that time. Returns when it arrives.

        `split` is to be told the two halves of its data, by a choice that has them arrive one after the other.
        """
        world = self.world
        if world.clock.time != self._since:
            self._since, self._sent = world.clock.time, 0
        self._sent += 1
        if self._sent > MANY_PACKETS:  # else a program that sends until something happens would send for ever
            world.clock.pass_time(MOMENT)
        source, target = packet.source.host, packet.target.host
        link = self.link(source, target)
        moment, delay = world.clock.time, self.delay(source, target)
        if link.bandwidth != math.inf:
            begin = max(moment, self._free_at.get((source, target), 0.0))
            moment = self._free_at[source, target] = begin + len(packet.data) / link.bandwidth
        moment = max(moment + delay, not_before)
        room = link.most - link.least
        near = world.options_after(moment, room)
        lossy = datagram and link.loss > 0
        faults = possible_faults(self, packet) if self.faults and not self.is_calm else []
        later = 1 + 2 * near if room > 0 else 0
        options = 1 + later + (1 if split is not None else 0) + (2 if lossy else 0) + len(faults)
        value = world.choices.choose("packet", options, packet.subject) if options > 1 else 0
        if self.audience is not None and not (split is not None and value == later + 1):
            self.audience.sent(packet)
        if value:
            moment = self._deviate(value, packet, moment, room, later, split, lossy, faults)
        elif moment <= world.clock.time and not self.coming_now(moment):
            self.arrive(packet)
        else:
            self.at(moment, lambda: self.arrive(packet), packet.subject)
        return moment

    def coming_now(self, moment: float) -> bool:
        """Whether something was to happen by then, and has not: it goes first."""
        return bool(self.coming) and self.coming[0][0] <= moment

    def _deviate(self, value: int, packet: Packet, moment: float, room: float, later: int,
                 split: Callable[[bytes], object] | None, lossy: bool, faults: list[str]) -> float:
        """What a choice that is not the quiet one does to a packet that would arrive at `moment`."""
        world = self.world
        if value <= later:
            near = later // 2
            exact = value - 1 if value - 1 <= near else value - 1 - near
            found = None if value == 1 else world.deadline_after(moment, exact, room)
            if found is None:
                found = moment + min(MOMENT, room)
            elif value - 1 > near:
                found += min(MOMENT, room)
            moment = found
            self.at(moment, lambda: self.arrive(packet), packet.subject)
            about = f"takes until {moment:g} s"
        elif split is not None and value == later + 1:
            middle = len(packet.data) // 2
            packet.data, second = packet.data[:middle], packet.data[middle:]
            packet.arrive = partial(split, packet.data)
            rest = Packet(packet.source, packet.target, packet.subject, partial(split, second), packet.reset,
                          packet.lost, data=second)
            if self.audience is not None:
                self.audience.sent(packet)
                self.audience.sent(rest)
            self.at(moment, lambda: self.arrive(packet), packet.subject)
            moment += MOMENT
            self.at(moment, lambda: self.arrive(rest), packet.subject)
            about = "comes in two pieces"
        else:
            value -= later + (1 if split is not None else 0)
            if lossy and value <= 2:
                about = "is lost" if value == 1 else "comes twice"
                if value == 1:
                    self.lose(packet)
                else:
                    self.at(moment, lambda: self.arrive(packet), packet.subject)
                    self.at(moment + min(MOMENT, room), lambda: self.arrive(packet), packet.subject)
            else:
                about = strike(self, faults[value - 1 - (2 if lossy else 0)], packet, moment)
        world.deviated_outside(packet.subject, about)
        return moment

    # Partitions.

    def cut(self, ways: set[tuple[Host, Host]]) -> set[tuple[Host, Host]]:
        """Let nothing get along these ways, each from a host to another; the answer is those that were not cut yet."""
        new = ways - self.severed
        self.severed |= new
        if self.audience is not None:
            self.audience.cut(new)
        return new

    def rejoin(self, ways: set[tuple[Host, Host]]) -> None:
        """End the partition of these ways."""
        if self.audience is not None:
            self.audience.joined(ways & self.severed)
        self.severed -= ways
        held, self._held = self._held, []
        for packet in held:
            self.arrive(packet)

    def arrive(self, packet: Packet) -> None:
        """`packet` has come to its target, unless a partition has met it."""
        if (packet.source.host, packet.target.host) in self.severed:
            if packet.lost is None:
                self._held.append(packet)
                if self.audience is not None:
                    self.audience.held(packet)
            else:
                self.lose(packet)
                packet.lost()
        elif self.audience is None:
            packet.arrive()
        else:
            self._deliver(packet)

    def _deliver(self, packet: Packet) -> None:
        if self.audience is not None:
            self.audience.delivered(packet)
        packet.arrive()

    def lose(self, packet: Packet) -> None:
        """The packet does not arrive."""
        if self.audience is not None:
            self.audience.lost(packet)
