"""Faults: what may become of a packet, and of the hosts and links on its way, where `faults=` asks for it.

A fault strikes where a packet is, by the choice that decides of the packet. So a fault comes when something is on its
way to which it can do harm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from .asked import World
from .hosts import Host
from .packets import Packet

Ways = set[tuple[Host, Host]]  # each from one host to another
FAULTS = ("partition", "reset", "crash")
DURATIONS = (1.0, 0.1, 5.0, 30.0)  # seconds of a partition, or until a restart; the first one in the quiet schedule


class Network(Protocol):
    """What faults do to a network, and ask of it."""

    world: World
    hosts: dict[str, Host]
    main: Host
    faults: tuple[str, ...]
    is_calm: bool

    def at(self, moment: float, action: Callable[[], object], subject: object) -> None: ...
    def cut(self, ways: Ways) -> Ways: ...
    def rejoin(self, ways: Ways) -> None: ...
    def arrive(self, packet: Packet) -> None: ...
    def lose(self, packet: Packet) -> None: ...


def possible_faults(network: Network, packet: Packet) -> list[str]:
    """The faults that may meet `packet`.

    Where there are other hosts, a partition may isolate one from all of them, and they may all crash, in a "blackout".
    """
    faults = [fault for fault in network.faults if _can_meet(fault, packet, network)]
    if "partition" in faults and len(network.hosts) > 2:
        faults.append("isolation")
    if "crash" in faults and len(network.hosts) > 2:
        faults.append("blackout")
    return faults


def _can_meet(fault: str, packet: Packet, network: Network) -> bool:
    if fault == "reset":
        return packet.reset is not None
    if fault == "partition":
        return packet.source.host is not packet.target.host
    return _can_crash(packet.target.host, network)


def _can_crash(host: Host, network: Network) -> bool:
    return host is not network.main and host.up and host.program is not None


def strike(network: Network, fault: str, packet: Packet, moment: float) -> str:
    """Have `fault` meet `packet`, which would arrive at `moment`. The answer is what to say of it."""
    if fault == "reset":
        assert packet.reset is not None  # else the fault would not be possible
        network.lose(packet)
        packet.reset()
        return "does not arrive: its connection is reset"
    if fault in ("partition", "isolation"):
        return _cut(network, packet, moment, alone=fault == "isolation")
    return _crash(network, packet, moment, everywhere=fault == "blackout")


def _cut(network: Network, packet: Packet, moment: float, alone: bool) -> str:
    source, target = packet.source.host, packet.target.host
    others = [host for host in network.hosts.values() if host is not target] if alone else [source]
    ways = network.cut({way for other in others for way in ((other, target), (target, other))})
    choices = network.world.choices
    seconds = DURATIONS[choices.choose("partition", len(DURATIONS), f"{source.name} and {target.name}")]
    network.at(network.world.clock.time + seconds, partial(network.rejoin, ways), "the end of a partition")
    network.at(moment, partial(network.arrive, packet), packet.subject)
    who = f"{target.name} is cut off from all others" if alone else \
        f"{source.name} and {target.name} are cut off from each other"
    return f"meets a partition: {who} for {seconds:g} s"


def _crash(network: Network, packet: Packet, moment: float, everywhere: bool) -> str:
    target = packet.target.host
    network.lose(packet)
    number = network.world.choices.choose("restart", 2 * len(DURATIONS), target.name)
    power, seconds = number >= len(DURATIONS), DURATIONS[number % len(DURATIONS)]
    crashing = [host for host in network.hosts.values() if _can_crash(host, network)] if everywhere else [target]
    for host in crashing:
        network.at(moment, partial(_crash_now, host, network, power, seconds), f"the crash of {host.name}")
    who = "each host but 'main'" if everywhere else f"host {target.name!r}"
    crashes = "loses power" if power else "crashes"
    return f"meets a crash: at {moment:g} s {who} {crashes}, and starts again after {seconds:g} s"


def _crash_now(host: Host, network: Network, power: bool, seconds: float) -> None:
    if not (host.life.dead or network.is_calm):
        host.crash(power=power, restart_after=seconds)
