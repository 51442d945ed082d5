"""The world of a simulated run: hosts, links between them, and what goes wrong there.

    from kernel.sim import world

    async def main():
        world.host("db").run(serve)
        world.link("main", "db", latency=(0.001, 0.05))

These functions act on the run that goes on in this thread; elsewhere they raise `RuntimeError`. The program itself runs
on the host "main". Every run begins with that host alone. A program calls them, or a function that `simulate` and
`explore` are given as `world=`, which is called before the program begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random
from threading import get_ident

from ..checks import check_seconds
from .network.disks import Disk as Disk
from .network.hosts import Host as Host
from .network.links import LEAST, MOST, Link
from .network.wires import Network
from .network.wires import here as networks

Place = Host | str


def _network(function: str) -> Network:
    network = networks.get(get_ident())
    if network is None or not network.open:
        raise RuntimeError(f"world.{function}() was called outside of a simulation; call it in a program that simulate() "
                           "or explore() runs")
    return network


def host(name: str, *, clock_offset: float = 0.0) -> Host:
    """A new host, or the one that has this name already. Its name resolves to its address.

    `time.time()` on that host shows `clock_offset` seconds more than the virtual clock. Raises `TypeError` for a name
    that is no text, `ValueError` for an empty one and for an offset that is no finite number.
    """
    network = _network("host")
    if not isinstance(name, str):
        raise TypeError(f"world.host() takes the name of a host, not {name!r}")
    if not name or any(sign.isspace() or sign in ":/" for sign in name):
        raise ValueError(f"world.host() takes a name without spaces, colons and slashes, not {name!r}")
    if not isinstance(clock_offset, (int, float)) or not math.isfinite(clock_offset):
        raise ValueError(f"clock_offset= is a number of seconds, not {clock_offset!r}")
    found = network.hosts.get(name)
    if found is None:
        found = network.add_host(name, float(clock_offset))
    elif clock_offset:
        found.clock_offset = float(clock_offset)
    return found


def hosts() -> list[Host]:
    """All hosts, "main" first."""
    return list(_network("hosts").hosts.values())


def here() -> Host:
    """The host that runs now."""
    return _network("here").here().host


def names() -> dict[str, str]:
    """The addresses by the names that programs look up: add to it what your program calls its peers."""
    return _network("names").names


def link(one: Place, other: Place, *, latency: float | tuple[float, float] | Callable[[Random], float] = (LEAST, MOST),
         loss: float = 0.0, bandwidth: float = math.inf) -> None:
    """Say how packets get from one host to another, and back.

    `latency` is how many seconds one takes, or the least and the most of them: the quiet schedule uses the least, and
    what is more is a choice. Or it is a function that gives the seconds of each packet by the random numbers it is
    given: `lambda random: random.expovariate(100)`. These come from the run's seed, and that is the only choice then.

    `bandwidth` is in bytes per second. With a `loss` above 0 datagrams may get lost, doubled and overtaken, by choice;
    connections lose nothing, and keep their order. Raises `ValueError` for what cannot be, and for unknown hosts. What
    a function gives is looked at when the packet is sent: a run fails that gets no seconds, or negative ones.
    """
    network = _network("link")
    draw = latency if callable(latency) else None
    least, most = (0.0, 0.0) if callable(latency) else latency if isinstance(latency, tuple) else (latency, latency)
    least, most = check_seconds(least, "world.link"), check_seconds(most, "world.link")
    if not 0 <= least <= most < math.inf:
        raise ValueError(f"latency= is the least and the most seconds that a packet takes, not {latency!r}")
    if not 0 <= loss < 1:
        raise ValueError(f"loss= is a share from 0 to below 1, not {loss!r}")
    if not bandwidth > 0:
        raise ValueError(f"bandwidth= is a number of bytes per second above 0, not {bandwidth!r}")
    network.join(_find(network, one), _find(network, other), Link(least, most, float(loss), float(bandwidth), draw))


def partition(some: Iterable[Place], others: Iterable[Place], *, one_way: bool = False) -> None:
    """Let nothing get from `some` hosts to `others`, nor back, unless it is `one_way`, until `heal`.

    Connections stay: what is sent on them comes when the partition has ended. Datagrams are lost. Who wants to connect
    hears nothing, and has `ETIMEDOUT` after two minutes.
    """
    network = _network("partition")
    network.partition([_find(network, one) for one in _each(some)], [_find(network, one) for one in _each(others)],
                      one_way)


def heal() -> None:
    """End all partitions."""
    _network("heal").heal()


def calm() -> None:
    """End all partitions, have hosts that have crashed start again, and let no fault strike from now on.

    So a program can claim that it gets on well when the world does: that all replicas agree in the end, say. Links keep
    their latency and their loss.
    """
    _network("calm").calm()


def _each(places: Iterable[Place]) -> Iterable[Place]:
    # A set of names has another order in another process.
    if isinstance(places, (str, Host)):
        return [places]
    return sorted(places, key=lambda place: place if isinstance(place, str) else place.name)


def _find(network: Network, place: Place) -> Host:
    found = network.hosts.get(place if isinstance(place, str) else place.name)
    if found is None or isinstance(place, Host) and found is not place:
        raise ValueError(f"there is no host {place!r} in this run; world.host(name) makes one")
    return found
