"""TLS over real sockets, against certificates made for it (see certs/README.md)."""

from __future__ import annotations

import logging
import os
import socket
import ssl

import pytest

from kernel import (EndpointClosed, Stream, TaskGroup, VirtualClock, open_connection, run, run_in_thread, serve, sleep,
                    spawn, timeout)
from tests.support.coroutines import until_blocked
from tests.support.descriptors import open_descriptors
from tests.support.reports import Reports, refuse
from tests.support.streams import LOCALHOST, echo
from tests.support.tls import client_context, server_context

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")


def test_large_data_both_ways_at_once() -> None:
    data = os.urandom(3_000_000)

    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0, ssl=server_context()) as server:
            async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
                async with TaskGroup() as group:
                    await group.spawn(stream.write_all(data))
                    received = await stream.read_exactly(len(data))
                assert received == data
                for size in 1, 100, 16384, 70000:
                    await stream.write_all(data[:size])
                    assert await stream.read_exactly(size) == data[:size]
                await stream.write_all(b"a\nb\nc")
                assert await stream.read(1) == b"a"  # what is decrypted and unread must not wait for the socket
                assert await stream.read_line() == b"\n"
                assert await stream.read_until(b"c") == b"b\nc"
                assert stream.tls is not None and stream.tls.object.version() in ("TLSv1.2", "TLSv1.3")

    run(main(), exception_hook=refuse)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_half_close(version: ssl.TLSVersion) -> None:
    async def answer_after_the_end(stream: Stream) -> None:
        question = await stream.read_all()
        for _ in range(10):
            await stream.write_all(question)
        await stream.end_writing()
        with pytest.raises(BrokenPipeError):
            await stream.write_all(b"x")

    async def main() -> None:
        context = server_context()
        context.maximum_version = version
        async with await serve(answer_after_the_end, LOCALHOST, 0, ssl=context) as server:
            async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
                await stream.write_all(b"question" * 10000)
                await stream.end_writing()
                assert await stream.read_all() == b"question" * 100000

    run(main(), exception_hook=refuse)


def test_half_close_loses_nothing_that_has_arrived() -> None:
    async def talk_first(stream: Stream) -> None:
        await stream.write_all(b"greeting" * 1000)
        await stream.write_all(await stream.read_all())

    async def main() -> None:
        async with await serve(talk_first, LOCALHOST, 0, ssl=server_context()) as server:
            async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
                assert await stream.read(1) == b"g"
                await stream.end_writing()
                assert await stream.read_all() == (b"greeting" * 1000)[1:]

    run(main(), exception_hook=refuse)


def test_verification_is_on_by_default_and_failures_name_the_host() -> None:
    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0, ssl=server_context()) as server:
            before = open_descriptors()
            with pytest.raises(ssl.SSLCertVerificationError, match=f"connection to localhost:{server.port}") as caught:
                await open_connection("localhost", server.port, ssl=True)
            assert caught.value.verify_code == 20  # an authority that the system does not know
            with pytest.raises(ssl.SSLCertVerificationError, match="wrong.example"):
                await open_connection("localhost", server.port, ssl=client_context(), server_hostname="wrong.example")
            while server.connections:
                await sleep(0.001)
            assert open_descriptors() == before
            async with await open_connection(LOCALHOST, server.port, ssl=client_context()) as stream:
                await stream.write_all(b"by address")
                assert await stream.read() == b"by address"

    run(main(), exception_hook=refuse)


def test_a_peer_that_does_not_speak_tls() -> None:
    async def talk(stream: Stream) -> None:
        await stream.write_all(b"220 hello, this is no TLS\r\n")
        await stream.read()

    async def hang_up(stream: Stream) -> None:
        await stream.read(1)

    async def main() -> None:
        for handler in talk, hang_up:
            async with await serve(handler, LOCALHOST, 0) as server:
                with pytest.raises((ssl.SSLError, ConnectionResetError), match=f"localhost:{server.port}"):
                    await open_connection("localhost", server.port, ssl=client_context())

    run(main())


def test_a_client_that_never_shakes_hands_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0, ssl=server_context()) as server:
            with socket.create_connection((LOCALHOST, server.port)) as sock:
                while not server.connections:
                    await sleep(0.001)
                await sleep(61)
                assert server.connections == 0
                assert await run_in_thread(sock.recv, 1) == b""

    with caplog.at_level(logging.INFO, "kernel"):
        run(main(), clock=VirtualClock(), exception_hook=refuse)
    record, = caplog.records
    assert "ran out of time" in record.getMessage() and record.levelno == logging.INFO


@pytest.mark.parametrize("lenient", [False, True], ids=["", "OP_IGNORE_UNEXPECTED_EOF"])
def test_a_connection_cut_off_is_no_orderly_end(lenient: bool) -> None:
    """Whatever OpenSSL is told: Python 3.10 and 3.11, as some systems have them, set that option in every context."""
    context = client_context()
    if lenient:
        context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    options = context.options

    async def cut(stream: Stream) -> None:
        await stream.write_all(b"half of it")
        with socket.socket(fileno=os.dup(stream.fileno())) as sock:
            sock.shutdown(socket.SHUT_RDWR)

    async def main() -> None:
        async with await serve(cut, LOCALHOST, 0, ssl=server_context()) as server:
            async with await open_connection("localhost", server.port, ssl=context) as stream:
                assert await stream.read_exactly(10) == b"half of it"
                with pytest.raises(ssl.SSLEOFError, match="localhost"):
                    await stream.read()
        assert context.options == options

    run(main())


def test_upgrade_in_place() -> None:
    async def handler(stream: Stream) -> None:
        assert await stream.read_line() == b"STARTTLS\n"
        await stream.write_all(b"go ahead\n")
        await stream.start_tls(server_context(), server_side=True)
        await echo(stream)

    async def main() -> None:
        async with await serve(handler, LOCALHOST, 0) as server:
            async with await open_connection("localhost", server.port) as stream:
                await stream.write_all(b"STARTTLS\n")
                assert await stream.read_line() == b"go ahead\n"
                await stream.start_tls(client_context(), server_hostname="localhost")
                await stream.write_all(b"secret")
                assert await stream.read() == b"secret"
            # What is smuggled in before the handshake is not taken for something that came encrypted.
            async with await open_connection("localhost", server.port) as stream:
                await stream.write_all(b"STARTTLS\nsmuggled\n")
                assert await stream.read_line() == b"go ahead\n"
                with pytest.raises((ssl.SSLError, ConnectionResetError)):
                    await stream.start_tls(client_context(), server_hostname="localhost")
                    await stream.read()
                assert stream.closed or stream.tls is not None

    reports = Reports()
    run(main(), exception_hook=reports)
    assert len(reports) == 1 and isinstance(reports.errors[0], ssl.SSLError)


@pytest.mark.parametrize("layers", [1, 2])
def test_what_the_peer_does_not_take_at_once_is_sent_without_another_write(layers: int) -> None:
    """Also through TLS in TLS, where the layer below may keep what the layer above has passed on."""
    data = os.urandom(60_000)

    async def main() -> None:
        left, right = socket.socketpair()
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        async with Stream.of_socket(left) as server, Stream.of_socket(right) as client, timeout(30):
            for _ in range(layers):
                shaking = await spawn(server.start_tls(server_context(), server_side=True).__await__())
                await client.start_tls(client_context(), server_hostname="localhost")
                await shaking
            for _ in range(3):
                writing = await spawn(server.write_all(data))
                await sleep(0.02)
                assert await client.read_exactly(len(data)) == data
                await writing

    run(main(), exception_hook=refuse)


def test_writing_nothing_sends_nothing() -> None:
    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0, ssl=server_context()) as server:
            async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
                await stream.write_all(b"")
                assert await stream.write(b"") == 0
                await stream.write_all(b"something")
                assert await stream.read() == b"something"

    run(main(), exception_hook=refuse)


def test_closing_a_stream_that_shakes_hands_wakes_the_task() -> None:
    async def main() -> None:
        with socket.create_server((LOCALHOST, 0)) as listener:
            stream = await open_connection(LOCALHOST, listener.getsockname()[1])
            task = await spawn(stream.start_tls(client_context(), server_hostname="localhost").__await__())
            await until_blocked(task)
            stream.close()
            with pytest.raises(EndpointClosed):
                await task

    run(main())
