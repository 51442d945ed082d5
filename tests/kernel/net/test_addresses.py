"""Hosts, ports and paths that cannot be, and what messages say of those that can."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernel import open_connection, open_datagram, open_unix_connection, run, serve, serve_unix
from tests.support.descriptors import no_descriptors_left, open_descriptors
from tests.support.streams import LOCALHOST, echo

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has an abstract namespace")
TAKERS: dict[str, Callable[[Any, Any], object]] = {
    "open_connection": open_connection,
    "open_connection from": lambda host, port: open_connection(LOCALHOST, 80, local_address=(host, port)),
    "serve": lambda host, port: serve(echo, host, port),
    "open_datagram": open_datagram,
    "open_datagram at": lambda host, port: open_datagram(local_address=(host, port)),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_address_is_refused_at_the_call(taker: str) -> None:
    function = taker.split()[0]
    for port in 65536, 65536 + 80, -1, 1 << 70:
        with pytest.raises(ValueError, match=rf"{function}\(\) takes a port from 0 to 65535, not {port}"):
            TAKERS[taker](LOCALHOST, port)
    for wrong in "http", 80.0, b"80":
        with pytest.raises(TypeError, match=rf"{function}\(\) takes the number of a port, not {wrong!r}"):
            TAKERS[taker](LOCALHOST, wrong)
    with pytest.raises(TypeError, match=rf"{function}\(\) takes the name of a host"):
        TAKERS[taker](b"localhost", 80)


def test_datagrams_go_to_an_address() -> None:
    async def main() -> None:
        async with await open_datagram(local_address=(LOCALHOST, 0)) as datagrams:
            port = datagrams.address[1]
            for address in ("localhost", port), ("", port), (LOCALHOST, 65536 + port), ("::1", port):
                with pytest.raises(ValueError, match=r"send\(\) takes"):
                    datagrams.send(b"x", address)
            for wrong in ([LOCALHOST, port], LOCALHOST, (LOCALHOST,), (LOCALHOST, [port]), ([LOCALHOST], port),
                          ((), port)):
                with pytest.raises(TypeError, match=r"send\(\) takes"):
                    datagrams.send(b"x", wrong)  # type: ignore[arg-type]
            await datagrams.send(b"x", (LOCALHOST, port))
            assert await datagrams.receive() == (b"x", (LOCALHOST, port))
        if socket.has_ipv6:
            async with await open_datagram(local_address=("::1", 0)) as datagrams:
                await datagrams.send(b"x", datagrams.address)
                assert (await datagrams.receive())[1] == datagrams.address

    run(main())
    with pytest.raises(ValueError, match="takes a port"):
        open_datagram("localhost", local_address=(LOCALHOST, 0))


def test_what_is_no_handler_is_refused_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"serve\(\) takes a function that is called with each connection's stream"):
        serve(None, LOCALHOST, 0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"serve_unix\(\) takes a function"):
        serve_unix(None, tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"serve_unix\(\) takes an ssl.SSLContext"):
        serve_unix(echo, tmp_path / "x", ssl=True)  # type: ignore[arg-type]


@linux
@pytest.mark.parametrize("name", ["\0kernel test %d", b"\0kernel test \xff%d"])
def test_a_server_in_the_abstract_namespace(name: str | bytes) -> None:
    async def main() -> None:
        path = name % os.getpid()
        async with await serve_unix(echo, path) as server:
            async with await open_unix_connection(path) as stream:
                await stream.write_all(b"hello")
                assert await stream.read() == b"hello" and "@kernel test" in stream.name
            with pytest.raises(OSError, match=r"in use \(listening at @kernel test"):
                await serve_unix(echo, path)
            assert server.addresses == [os.fsencode(path)]
        with pytest.raises(ConnectionRefusedError, match=r"\(connecting to @kernel test"):
            await open_unix_connection(path)

    run(main())


def test_paths_that_no_socket_can_have(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        serve_unix(echo, "")

    async def main() -> None:
        before = open_descriptors()
        long = tmp_path / ("x" * 200)
        with pytest.raises(OSError, match=f"too long.*listening at {long}"):
            await serve_unix(echo, long)
        with pytest.raises(OSError, match=f"too long.*connecting to {long}"):
            await open_unix_connection(long)
        with pytest.raises(FileNotFoundError, match=f"listening at {tmp_path}/no/path"):
            await serve_unix(echo, tmp_path / "no" / "path")
        (tmp_path / "file").write_text("precious")
        with pytest.raises(OSError, match=f"in use .listening at {tmp_path}/file"):
            await serve_unix(echo, tmp_path / "file")
        assert (tmp_path / "file").read_text() == "precious"
        assert open_descriptors() == before

    run(main())


@pytest.mark.parametrize(("where", "make"), [
    ("listening at 127.0.0.1:4711", lambda: serve(echo, LOCALHOST, 4711)),
    ("listening at /tmp/socket", lambda: serve_unix(echo, "/tmp/socket")),
    ("connecting to 127.0.0.1:4711", lambda: open_connection(LOCALHOST, 4711)),
    ("connecting to /tmp/socket", lambda: open_unix_connection("/tmp/socket")),
    ("opening a datagram socket for 127.0.0.1:4711", lambda: open_datagram(LOCALHOST, 4711)),
], ids=["serve", "serve_unix", "open_connection", "open_unix_connection", "open_datagram"])
def test_errors_say_where_also_without_descriptors(where: str, make: Callable[[], Any]) -> None:
    async def main() -> None:
        with no_descriptors_left(), pytest.raises(OSError, match=rf"Too many open files \({where}"):
            await make()

    run(main())


def test_a_name_that_cannot_be_looked_up_for_want_of_a_thread_is_a_failure_to_connect(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with pytest.raises(socket.gaierror, match=r"can't start new thread \(looking up some\.where:80\)"):
            await open_connection("some.where", 80)

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    run(main())
