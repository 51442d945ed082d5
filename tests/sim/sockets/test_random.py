"""Random sequences of calls have the same results on real sockets and on simulated ones.

With EXPLORE=1 in the environment there are 2,000 of them. A failure names the seed, and all calls until the first one
whose result differs.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

import kernel
from kernel import sleep, timeout, wait_readable, wait_writable
from tests.support.socket_cases import ANY_PORT, RESET, accept, bound, connect, directory, listening, make

COUNT = 2000 if os.environ.get("EXPLORE") else 100
CALLS = 35
MOST = 9  # sockets
KINDS = "tcp", "tcp", "tcp", "udp", "unix", "unix datagrams", "pair"


class Sequence:
    """The sockets of a sequence, and what the calls have resulted in. The n-th port that is seen is called port n."""

    def __init__(self, seed: int, folder: str) -> None:
        self.rng = Random(f"sequence {seed}")
        self.folder = folder
        self.kind = self.rng.choice(KINDS)
        self.family = socket.AF_INET if self.kind in ("tcp", "udp") else socket.AF_UNIX
        self.type = socket.SOCK_DGRAM if self.kind in ("udp", "unix datagrams") else socket.SOCK_STREAM
        self.sockets: list[socket.socket] = []
        self.addresses: list[Any] = []
        self.results: list[tuple[str, object]] = []
        self.used: set[socket.socket] = set()  # has had a connection; what can be done anew then is Linux's secret
        self._ports: dict[int, str] = {}

    def add(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        if self.kind == "tcp":  # data is not held back, and the ports of connections that have ended are free
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets.append(sock)

    async def begin(self) -> None:
        """Have some sockets."""
        inet = self.family == socket.AF_INET
        first, second = (ANY_PORT if inet else f"{self.folder}/{name}" for name in "ab")
        if self.kind == "pair":
            for sock in socket.socketpair():
                self.add(sock)
        elif self.type == socket.SOCK_DGRAM:
            for address in first, second:
                self.add(bound(address, family=self.family))
                self.addresses.append(self.sockets[-1].getsockname())
        else:
            self.add(listening(first, family=self.family, backlog=2))
            self.addresses.append(self.sockets[0].getsockname())
            self.add(make(self.family))
            await connect(self.sockets[1], self.addresses[0])
            self.add(await accept(self.sockets[0]))

    def some_address(self) -> Any:
        if self.addresses:
            return self.rng.choice(self.addresses)
        return f"{self.folder}/none"

    def new_address(self) -> Any:
        return ANY_PORT if self.family == socket.AF_INET else f"{self.folder}/{self.rng.randrange(5)}"

    def note(self, what: str, call: Callable[[], object]) -> None:
        try:
            value = call()
        except OSError as error:
            value = type(error).__name__, error.errno
        self.results.append((what, self.named(value)))

    def named(self, value: object) -> object:
        if not isinstance(value, tuple):
            return value
        if len(value) == 2 and isinstance(value[0], socket.socket):
            self.add(value[0])
            return "accepted", self.named(value[1])
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int) and value[1] > 1024:
            return value[0], self._ports.setdefault(value[1], f"port {len(self._ports)}")
        return tuple(self.named(part) for part in value)

    async def step(self, pause: float) -> None:
        """Make a call, chosen at random."""
        rng = self.rng
        sock = rng.choice(self.sockets)
        name = f"socket {self.sockets.index(sock)}: "
        choice = rng.randrange(20)
        if choice < 3:
            size = rng.choice((0, 1, 5, 100))
            self.note(f"{name}send {size}", lambda: sock.send(b"x" * size))
        elif choice < 6:
            size = rng.choice((1, 3, 1000))
            self.note(f"{name}recv {size}", lambda: sock.recv(size))
        elif choice == 6:
            self.note(f"{name}peek", lambda: sock.recv(50, socket.MSG_PEEK))
        elif choice == 7:
            self.note(f"{name}recvfrom", lambda: sock.recvfrom(100))
        elif choice == 8:
            address = self.some_address()
            self.note(f"{name}sendto", lambda: sock.sendto(b"yz", address))
        elif choice == 9:
            address = self.some_address()
            if sock not in self.used or has_peer(sock):
                self.note(f"{name}connect", lambda: sock.connect(address))
        elif choice == 10:
            self.note(f"{name}accept", sock.accept)
        elif choice == 11:
            self.note(f"{name}listen", lambda: sock.listen(2))
        elif choice == 12 and sock not in self.used:
            self.bind(name, sock)
        elif choice == 13:
            how = rng.randrange(3)
            self.note(f"{name}shutdown {how}", lambda: sock.shutdown(how))
        elif choice == 14:
            self.note(f"{name}getpeername", sock.getpeername)
            self.note(f"{name}getsockname", sock.getsockname)
        elif choice == 15:
            self.note(f"{name}SO_ERROR", lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        elif choice == 16:
            self.note(f"{name}SO_LINGER", lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET))
        elif choice == 17 and len(self.sockets) < MOST:
            self.add(make(self.family, self.type))
        elif choice == 18 and rng.random() < 0.5:
            self.note(f"{name}close", sock.close)
        elif sock.fileno() >= 0:
            found = [await ready(wait, sock, pause) for wait in (wait_readable, wait_writable)]
            self.results.append((f"{name}ready", found))
        await sleep(pause)
        self.used |= {one for one in self.sockets if one.fileno() >= 0 and has_peer(one)}

    def bind(self, name: str, sock: socket.socket) -> None:
        address = self.some_address() if self.addresses and self.rng.random() < 0.3 else self.new_address()
        self.note(f"{name}bind", lambda: sock.bind(address))
        if sock.fileno() >= 0:
            found = sock.getsockname()
            if found and found not in self.addresses and (self.family == socket.AF_UNIX or found[1]):
                self.addresses.append(found)


def has_peer(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


async def ready(wait: Callable[[socket.socket], Any], sock: socket.socket, seconds: float) -> bool:
    try:
        async with timeout(seconds):
            await wait(sock)
    except TimeoutError:
        return False
    return True


async def results(seed: int, pause: float) -> list[tuple[str, object]]:
    with directory() as folder:
        sequence = Sequence(seed, str(folder))
        await sequence.begin()
        for _ in range(CALLS):
            await sequence.step(pause)
        for sock in sequence.sockets:
            sock.close()
        return sequence.results


@pytest.mark.parametrize("part", range(10))
def test_random_calls_have_the_same_results(part: int) -> None:
    for seed in range(part, COUNT, 10):
        simulated = kernel.simulate(lambda: results(seed, 0.001))
        for pause in 0.0004, 0.03:  # what is in a hurry may differ when the machine is busy
            real = kernel.run(results(seed, pause))
            if real == simulated:
                break
        else:
            pairs = zip([*real, None], [*simulated, None])
            same = next(index for index, (one, other) in enumerate(pairs) if one != other)
            calls = "\n".join(f"  {what}: {value}" for what, value in real[:same])
            pytest.fail(f"seed {seed}:\n{calls}\n{real[same:same + 1]}, but simulated {simulated[same:same + 1]}")
