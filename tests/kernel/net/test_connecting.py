"""Connecting: to which address, for how long, and what an error says."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from typing import Any

import pytest

from kernel import Stream, VirtualClock, now, open_connection, open_unix_connection, run, serve, timeout
from tests.support.descriptors import open_descriptors
from tests.support.streams import LOCALHOST, echo


def test_errors_name_the_peer(unused_port: int) -> None:
    async def reset(stream: Stream) -> None:
        sock = socket.socket(fileno=os.dup(stream.fileno()))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        sock.close()

    async def main() -> None:
        with pytest.raises(ConnectionRefusedError, match=rf"refused \(connecting to {LOCALHOST}:{unused_port}\)"):
            await open_connection(LOCALHOST, unused_port)
        with pytest.raises(socket.gaierror, match="looking up no-such-host.invalid:80"):
            await open_connection("no-such-host.invalid", 80)
        with pytest.raises(socket.gaierror, match="looking up"):
            await open_connection("a" * 70 + ".example", 80)
        with pytest.raises(OSError, match="connecting to 127.0.0.1:80"):
            await open_connection(LOCALHOST, 80, local_address=("192.0.2.1", 0))
        with pytest.raises(FileNotFoundError, match="connecting to /no/such/socket"):
            await open_unix_connection("/no/such/socket")
        async with await serve(reset, LOCALHOST, 0) as server:
            async with await open_connection(LOCALHOST, server.port) as stream:
                with pytest.raises(ConnectionResetError, match=rf"the connection to {LOCALHOST}:{server.port}"):
                    await stream.read()
            with pytest.raises(OSError, match=rf"listening at {LOCALHOST}:{server.port}") as caught:
                await serve(echo, LOCALHOST, server.port)
            assert caught.value.errno == errno.EADDRINUSE

    run(main())


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOCALHOST, 0))
        return int(sock.getsockname()[1])


class DeadAddress:
    """A listening socket whose backlog is full: who connects hears nothing."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.listener = socket.create_server((address, port), backlog=0)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.fillers = [socket.socket() for _ in range(2)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(self.address)

    def close(self) -> None:
        for sock in [self.listener, *self.fillers]:
            sock.close()


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_an_address_that_does_not_answer_costs_a_quarter_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        dead = DeadAddress("127.0.0.2")
        with socket.create_server(("127.0.0.3", dead.address[1])):
            resolving_to(monkeypatch, "127.0.0.2", "127.0.0.3")
            start = await now()
            async with await open_connection("some.host", dead.address[1]) as stream:
                assert await now() - start == 0.25
                assert stream.peer[0] == "127.0.0.3"
                assert stream.name == f"the connection to some.host:{dead.address[1]}, at 127.0.0.3:{dead.address[1]}"
        dead.close()

    run(main(), clock=VirtualClock())


def test_an_address_that_refuses_costs_nothing_and_all_failures_are_told(monkeypatch: pytest.MonkeyPatch,
                                                                         unused_port: int) -> None:
    async def main() -> None:
        resolving_to(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.4")
        start = await now()
        with pytest.raises(ConnectionRefusedError, match="some.host") as caught:
            await open_connection("some.host", unused_port)
        assert "127.0.0.2" in str(caught.value) and len(caught.value.__notes__) == 2
        with socket.create_server(("127.0.0.4", unused_port)):
            async with await open_connection("some.host", unused_port):
                assert await now() == start

    run(main(), clock=VirtualClock())


def test_an_attempt_to_connect_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        dead = DeadAddress("127.0.0.2")
        before = open_descriptors()
        resolving_to(monkeypatch, "127.0.0.2", "127.0.0.2")
        with pytest.raises(TimeoutError):
            async with timeout(1):
                await open_connection("some.host", dead.address[1])
        assert open_descriptors() == before
        dead.close()

    run(main(), clock=VirtualClock())


def test_names_are_looked_up_off_the_kernels_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = list[bool]()
    real = socket.getaddrinfo

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return real(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0) as server:
            async with await open_connection("localhost", server.port, local_address=(LOCALHOST, 0)):
                pass

    run(main())
    assert threads.count(False) == 1  # the name; numbers need no thread
