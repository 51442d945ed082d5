"""The echo server as a process, under load from a client that runs on the kernel, out of descriptors, and stopped."""

from __future__ import annotations

import random
import resource
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kernel import Task, Waitable, run, spawn, wait_readable, wait_writable
from tests.support.interpreters import Outcome, Process, ended, next_line, run_python, started_python

SERVER = "examples/kernel/echo_server.py"
CONNECTIONS = 1000
LINES = 100
SEED = 20240607

WITH_20_DESCRIPTORS = """\
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@contextmanager
def server(*wrapper: str) -> Iterator[tuple[Process, tuple[str, int]]]:
    """The server and the address that it says it listens on; `wrapper` are the arguments that have Python start it."""
    with started_python(*wrapper, "-m", "kernel", SERVER, "0") as process:
        words = next_line(process).split()
        assert words[:2] == ["listening", "on"], words
        host, port = words[2].split(":")
        yield process, (host, int(port))


def stop(process: Process, number: signal.Signals) -> Outcome:
    process.send_signal(number)
    return ended(process)


@contextmanager
def descriptors(count: int) -> Iterator[None]:
    """Allow this process, and those that it starts, that many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            pytest.skip(f"{count} open files are needed and {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Client:
    """One connection: says its lines in pieces of any length, and keeps what comes back."""

    def __init__(self, number: int) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.lines = b"".join(b"connection %d line %d\n" % (number, line) for line in range(LINES))
        self.echoed = bytearray()

    async def connect(self, address: tuple[str, int]) -> None:
        self.socket.connect_ex(address)
        await wait_writable(self.socket)
        assert self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

    async def talk(self, pieces: random.Random) -> None:
        with self.socket:
            listening = await spawn(self.listen())
            start = 0
            while start < len(self.lines):
                end = start + pieces.randint(1, 60)
                await wait_writable(self.socket)
                start += self.socket.send(self.lines[start:end])
            self.socket.shutdown(socket.SHUT_WR)
            await listening

    async def listen(self) -> None:
        while True:
            await wait_readable(self.socket)
            data = self.socket.recv(65536)
            if not data:
                return
            self.echoed += data


async def crowd(address: tuple[str, int]) -> list[Client]:
    """All connect, and only when all are connected and have been answered does anyone say a word."""
    clients = [Client(number) for number in range(CONNECTIONS)]
    ready = 0
    all_ready: Waitable[None] = Waitable()

    async def take_part(client: Client, pieces: random.Random) -> None:
        nonlocal ready
        await client.connect(address)
        client.socket.send(b"?")
        await wait_readable(client.socket)
        assert client.socket.recv(1) == b"?"  # accepted, and not just queued
        ready += 1
        if ready == CONNECTIONS:
            all_ready.complete(None)
        await all_ready
        await client.talk(pieces)

    tasks: list[Task[None]] = []
    for number, client in enumerate(clients):
        tasks.append(await spawn(take_part(client, random.Random(SEED + number))))
    for task in tasks:
        await task
    return clients


def test_a_thousand_connections_lose_and_reorder_nothing() -> None:
    print("seed", SEED)
    with descriptors(CONNECTIONS + 100), server() as (process, address):
        clients = run(crowd(address))
        assert stop(process, signal.SIGTERM) == (0, "stopped by SIGTERM\n", "")
    assert len(clients) == CONNECTIONS
    for client in clients:
        assert bytes(client.echoed) == client.lines


def test_more_than_the_buffers_hold_is_sent_in_parts() -> None:
    blob = random.Random(SEED).randbytes(1_000_003) * 64
    with server() as (process, address), socket.create_connection(address, timeout=30) as peer:
        peer.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):  # nobody reads, so at some point everything is full
            while sent < len(blob):
                sent += peer.send(blob[sent:sent + 65536])
        peer.settimeout(30)
        echoed = bytearray()
        while len(echoed) < sent:
            echoed += peer.recv(65536)
        assert echoed == blob[:sent]


def exchange(peer: socket.socket, message: bytes) -> bytes:
    peer.sendall(message)
    return peer.recv(1000)


def test_a_reset_harms_nobody_else() -> None:
    with server() as (process, address), socket.create_connection(address, timeout=30) as other:
        for _ in range(20):
            peer = socket.create_connection(address, timeout=30)
            assert exchange(peer, b"x") == b"x"
            # Closing without lingering sends a reset in place of an orderly end.
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        assert exchange(other, b"still there?") == b"still there?"
        assert stop(process, signal.SIGTERM) == (0, "stopped by SIGTERM\n", "")


def test_out_of_descriptors_it_serves_those_it_has_and_the_others_later() -> None:
    with server("-c", WITH_20_DESCRIPTORS) as (process, address):
        peers = [socket.create_connection(address, timeout=30) for _ in range(40)]
        try:
            assert exchange(peers[0], b"first") == b"first"
            peers[-1].sendall(b"last")
            peers[-1].settimeout(0.5)
            with pytest.raises(TimeoutError):
                peers[-1].recv(1000)  # there is no descriptor for it yet
            assert exchange(peers[0], b"second") == b"second"
            for peer in peers[:-1]:
                peer.close()
            peers[-1].settimeout(30)
            assert peers[-1].recv(1000) == b"last"
        finally:
            for peer in peers:
                peer.close()
        assert stop(process, signal.SIGTERM) == (0, "stopped by SIGTERM\n", "")


@pytest.mark.parametrize(("number", "outcome"), [
    (signal.SIGTERM, (0, "stopped by SIGTERM\n", "")), (signal.SIGINT, (130, "", "KeyboardInterrupt\n"))])
def test_a_signal_stops_it_and_closes_the_connections(number: signal.Signals, outcome: tuple[int, str, str]) -> None:
    with server() as (process, address), socket.create_connection(address, timeout=30) as peer:
        assert exchange(peer, b"hello") == b"hello"
        assert stop(process, number) == outcome
        assert peer.recv(1) == b""  # an orderly end


@pytest.mark.parametrize("arguments", [(), ("http",), ("70000",), ("1", "2")])
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    status, _, err = run_python("-m", "kernel", SERVER, *arguments)
    assert (status, err) == (1, f"usage: python -m kernel {SERVER} PORT\n")


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, _, err = run_python("-m", "kernel", SERVER, port)
    assert status == 1 and err.startswith(f"cannot listen on port {port}: Address already in use")
