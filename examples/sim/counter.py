"""A replicated counter: three doors count their visitors, and each shows how many there are in the house.

    PYTHONPATH=. python3 examples/sim/counter.py

The doors tell each other by datagrams, which may be lost, or come twice. `Counter` tells of each visitor once: "one
more". If that datagram is lost, another door never counts the visitor. `MendedCounter` tells now and then how many have
come through its door, and the others keep the largest number that they have heard. So it does not matter how often a
datagram comes, and the next one makes up for one that is lost. Such a counter is called a G-counter. It is the simplest
of the conflict-free replicated data types (Shapiro and others, 2011).

Each door has its own number on its disk before the others hear of it, so it does not count anew after a crash.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import compat
from kernel.sim import world

PORT = 5000
DOORS = "north", "east", "west"
VISITORS = 3  # who come through each door
FILE = "visitors"
Addresses = dict[str, tuple[str, int]]


class Counter(asyncio.DatagramProtocol):
    """Counts the visitors at one door, and tells the other doors of each."""

    def __init__(self, door: str, disk: world.Disk, addresses: Addresses) -> None:
        self.door = door
        self.disk = disk
        self.others = [address for other, address in addresses.items() if other != door]
        self.visitors = dict.fromkeys(addresses, 0)
        if FILE in disk.names():
            self.visitors[door] = int(disk.read(FILE))

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: object) -> None:
        self.hear(json.loads(data))

    def tell(self, news: object) -> None:
        for address in self.others:
            self.transport.sendto(json.dumps(news).encode(), address)

    def count(self) -> None:
        """A visitor comes through this door."""
        self.visitors[self.door] += 1
        self.disk.write(FILE, str(self.visitors[self.door]).encode())
        self.disk.sync(FILE)

    async def work(self) -> None:
        while self.visitors[self.door] < VISITORS:
            await asyncio.sleep(0.5)
            self.count()
            self.tell(self.door)
        await asyncio.Event().wait()  # there is still something to hear

    def hear(self, news: Any) -> None:
        self.visitors[news] += 1


class MendedCounter(Counter):
    """Tells how many there are, again and again."""

    async def work(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            if self.visitors[self.door] < VISITORS:
                self.count()
            self.tell([self.door, self.visitors[self.door]])

    def hear(self, news: Any) -> None:
        door, visitors = news
        self.visitors[door] = max(self.visitors[door], visitors)


async def house(kind: type[Counter]) -> None:
    """Three doors, over links that lose datagrams; in the end each door has to show the same number."""
    hosts = [world.host(door) for door in DOORS]
    addresses = {host.name: (host.address, PORT) for host in hosts}
    counters: dict[str, Counter] = {}

    async def run(host: world.Host) -> None:
        counter = counters[host.name] = kind(host.name, host.disk, addresses)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: counter, addresses[host.name])
        await counter.work()

    for host in hosts:
        world.link(host.name, DOORS[hosts.index(host) - 1], loss=0.05)
        host.run(partial(run, host))  # again after a crash
    await asyncio.sleep(5)
    world.calm()  # no host crashes any more, and those that have crashed start again
    await asyncio.sleep(10)
    for counter in counters.values():
        shown = sum(counter.visitors.values())
        came = VISITORS * len(DOORS)
        assert shown == came, f"{came} visitors came, and {counter.door} shows {shown}"


if __name__ == "__main__":
    print(compat.explore(lambda: house(Counter), runs=500))
    print(compat.explore(lambda: house(MendedCounter), runs=200, faults=["crash"]))
