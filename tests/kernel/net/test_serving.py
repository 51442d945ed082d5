"""Servers: where they listen, and what becomes of connections and handlers that fail."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from pathlib import Path

import pytest

from kernel import (Cancelled, Stream, checkpoint, open_connection, open_unix_connection, run, run_in_thread, serve,
                    serve_unix, sleep)
from tests.support.coroutines import task_called
from tests.support.descriptors import listening_at, no_descriptors_left
from tests.support.reports import Reports
from tests.support.streams import LOCALHOST, echo, everything, lines
from tests.support.tls import server_context


def test_serving_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def main() -> None:
        async with await serve_unix(echo, path) as server:
            assert server.addresses == [str(path)]
            with pytest.raises(RuntimeError, match="no TCP port"):
                server.port
            async with await open_unix_connection(path) as stream:
                await stream.write_all(b"hello")
                assert await stream.read() == b"hello"
            with pytest.raises(OSError, match="listening at"):
                await serve_unix(echo, path)
        assert not path.exists()
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(path))
        stale.close()
        async with await serve_unix(echo, path):
            pass
        path.write_text("precious")
        with pytest.raises(OSError):
            await serve_unix(echo, path)
        assert path.read_text() == "precious"

    run(main())


def test_every_interface_gets_the_same_port() -> None:
    async def main() -> None:
        async with await serve(echo, None, 0, reuse_port=True) as server:
            assert len({address[1] for address in server.addresses}) == 1
            async with await open_connection(LOCALHOST, server.port) as stream:
                await stream.write_all(b"hello")
                assert await stream.read() == b"hello"

    run(main())


def test_a_handler_that_fails_is_reported_with_the_peer_and_the_server_lives() -> None:
    async def handler(stream: Stream) -> None:
        if await stream.read_line() == b"fail\n":
            raise ZeroDivisionError("on purpose")
        await stream.write_all(b"fine")

    async def main() -> None:
        async with await serve(handler, LOCALHOST, 0) as server:
            async with await open_connection(LOCALHOST, server.port) as stream:
                name = socket.socket(fileno=os.dup(stream.fileno()))
                host, port = name.getsockname()
                name.close()
                await stream.write_all(b"fail\n")
                assert await stream.read() == b""
            async with await open_connection(LOCALHOST, server.port) as stream:
                await stream.write_all(b"work\n")
                assert await stream.read_all() == b"fine"
            (message, error), = reports
            assert (message, str(error)) == (f"the handler of the connection to {host}:{port} failed", "on purpose")

    reports = Reports()
    run(main(), exception_hook=reports)


def test_out_of_descriptors_a_server_pauses_reports_once_and_goes_on() -> None:
    reports = Reports()

    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0) as server:
            clients = [socket.create_connection((LOCALHOST, server.port)) for _ in range(3)]
            while server.connections < 3:
                await sleep(0.001)
            late = [socket.socket() for _ in range(5)]
            with no_descriptors_left():
                for sock in late:
                    sock.connect((LOCALHOST, server.port))
                for _ in range(20):
                    await sleep(0.1)
                assert server.connections == 3
                assert len(reports) == 1 and "cannot accept connections for now" in reports.messages[0], reports
            while server.connections < 8:
                await sleep(0.01)
            for sock in clients + late:
                sock.sendall(b"x")
                assert await run_in_thread(sock.recv, 1) == b"x"
                sock.close()

    run(main(), exception_hook=reports)


def test_a_server_that_can_accept_no_more_says_so_at_once() -> None:
    async def main() -> None:
        async with await serve(lines, LOCALHOST, 0) as server:
            await sleep(0)
            with listening_at(server.port) as sock:
                sock.shutdown(socket.SHUT_RDWR)
            with pytest.raises(OSError, match="the server at 127.0.0.1"):
                await server.wait()

    reports = Reports()
    run(main(), exception_hook=reports)
    assert len(reports) == 1 and "accepts no connections any more" in reports.messages[0]


def test_a_handler_that_is_cancelled_before_it_begins_leaves_no_connection() -> None:
    async def main() -> None:
        async with await serve(lines, LOCALHOST, 0) as server:
            with socket.create_connection((LOCALHOST, server.port)) as sock:
                while not server.connections:
                    await checkpoint()
                handler = await task_called("handle")
                handler.cancel()
                with pytest.raises(Cancelled):
                    await handler
                sock.settimeout(5)
                assert sock.recv(1) == b"" and not server.connections

    run(main())


def test_what_is_no_ordinary_exception_is_reported_as_well() -> None:
    class Unusual(BaseException):
        pass

    async def handler(stream: Stream) -> None:
        raise Unusual

    async def main() -> None:
        async with await serve(handler, LOCALHOST, 0) as server:
            assert await everything(await open_connection(LOCALHOST, server.port)) == b""

    reports = Reports()
    run(main(), exception_hook=reports)
    (message, error), = reports
    assert message.startswith("the handler of the connection to 127") and isinstance(error, Unusual)


def test_a_failed_handshake_is_one_line_at_level_info(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with await serve(lines, LOCALHOST, 0, ssl=server_context()) as server:
            with socket.create_connection((LOCALHOST, server.port)) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while not (caplog.records and not server.connections):
                    await sleep(0.001)
            with pytest.raises(ssl.SSLCertVerificationError):
                await open_connection("localhost", server.port, ssl=True)
            while len(caplog.records) < 2 or server.connections:
                await sleep(0.001)

    reports = Reports()
    with caplog.at_level(logging.INFO, "kernel"):
        run(main(), exception_hook=reports)
    assert reports == []
    for record in caplog.records:
        text = record.getMessage()
        assert record.levelno == logging.INFO and record.exc_info is None
        assert text.startswith("the TLS handshake of the connection to 127.0.0.1:") and "\n" not in text


def test_the_connections_of_one_host_share_its_name() -> None:
    """A server with many connections would keep it many times."""
    hosts: list[str] = []

    async def handler(stream: Stream) -> None:
        hosts.append(stream.peer[0])
        await stream.write_all(b"seen")

    async def main() -> None:
        async with await serve(handler, "127.0.0.1", 0) as server:
            for _ in range(2):
                async with await open_connection("127.0.0.1", server.port) as stream:
                    assert await stream.read_all() == b"seen"

    run(main())
    assert hosts == ["127.0.0.1"] * 2 and hosts[0] is hosts[1]
