"""websockets: server and client on one loop, and a client whose server is killed."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.servers import Server, served_program

pytest.importorskip("websockets")
import websockets  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402
from websockets.asyncio.server import ServerConnection, broadcast, serve  # noqa: E402
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK  # noqa: E402
from websockets.frames import Frame, Opcode  # noqa: E402

from tests.support.tls import client_context, server_context

CONNECTIONS = 100


def library(exercised: str) -> pytest.MarkDecorator:
    return pytest.mark.library("websockets", exercised)


@pytest.fixture(autouse=True)
def no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The library logs what goes wrong in its handlers and its keepalive."""
    yield
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


def address(server: Any, scheme: str = "ws") -> str:
    return f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


@library("echo of text and binary, messages in fragments")
def test_messages_come_back_as_they_were_sent() -> None:
    generator = random.Random(1)
    messages: list[str | bytes] = ["", b"", "text", "\u00fc\U0001f40d" * 1000, generator.randbytes(500_000),
                                   *(generator.randbytes(size) for size in (1, 125, 126, 65_535, 65_536))]

    async def main() -> list[str | bytes]:
        async with serve(echo, "127.0.0.1", 0) as server, connect(address(server)) as client:
            back = []
            for message in messages:
                await client.send(message)
                back.append(await client.recv())
            return back

    assert run_cleanly(main()) == messages


@library("echo of text and binary, messages in fragments")
def test_a_message_in_fragments_arrives_piece_by_piece_with_pings_in_between() -> None:
    pieces = [bytes([number]) * 3000 for number in range(20)]
    received: list[list[bytes]] = []

    async def collect(connection: Any) -> None:
        received.append([piece async for piece in connection.recv_streaming()])
        await connection.send(f"{len(received[0])} pieces")

    async def main() -> str:
        async with (serve(collect, "127.0.0.1", 0, compression=None) as server,
                    connect(address(server), compression=None) as client):

            async def produce() -> Any:
                for piece in pieces:
                    yield piece
                    await (await client.ping())  # a control frame inside the message, answered before the next piece

            await client.send(produce())
            return await client.recv()

    # The library ends a message of many by an empty piece.
    assert run_cleanly(main()) == f"{len(pieces) + 1} pieces"
    assert received == [[*pieces, b""]]


@library("permessage-deflate")
def test_compression_is_agreed_upon_and_saves_bytes_on_the_wire() -> None:
    text = "the same words again and again; " * 5000

    class Counting(ServerConnection):
        arrived = 0

        def data_received(self, data: bytes) -> None:
            Counting.arrived += len(data)
            super().data_received(data)

    async def main(compression: str | None) -> tuple[int, list[str]]:
        Counting.arrived = 0
        async with (serve(echo, "127.0.0.1", 0, compression=compression, create_connection=Counting) as server,
                    connect(address(server), compression=compression) as client):
            await client.send(text)
            assert await client.recv() == text
            return Counting.arrived, [extension.name for extension in client.protocol.extensions]

    plain, none = run_cleanly(main(None))
    deflated, extensions = run_cleanly(main("deflate"))
    assert (none, extensions) == ([], ["permessage-deflate"])
    assert plain > len(text)
    assert deflated < len(text) / 20


@library("ping, pong and keepalive")
def test_keepalive_measures_latency_and_drops_who_does_not_answer() -> None:
    async def main() -> tuple[float, float, str]:
        ended = asyncio.get_running_loop().create_future()

        async def handler(connection: Any) -> None:
            if connection.request.path == "/answers":
                await until(lambda: connection.latency > 0, "a pong")
                await connection.send("measured")
                await connection.wait_closed()
                return
            try:
                await connection.recv()
            except ConnectionClosed as error:
                ended.set_result(error)

        async with serve(handler, "127.0.0.1", 0, ping_interval=0.05, ping_timeout=0.2, close_timeout=0.1) as server:
            async with connect(f"{address(server)}/answers", ping_interval=None) as client:
                assert await client.recv() == "measured"
                round_trip = await (await client.ping("by hand"))
            async with connect(f"{address(server)}/mute", ping_interval=None) as mute:
                mute.transport.pause_reading()
                error = await ended
                mute.transport.resume_reading()
                with pytest.raises(ConnectionClosedError) as caught:
                    await mute.recv()
                assert isinstance(error, ConnectionClosedError)
                assert error.rcvd is None  # the mute one has not even answered the closing
                return round_trip, error.sent.code, f"{caught.value.rcvd.code} {caught.value.rcvd.reason}"

    round_trip, code, told = run_cleanly(main())
    assert 0 < round_trip < 10
    assert (code, told) == (1011, "1011 keepalive ping timeout")


@library("codes of the closing handshake")
def test_both_sides_learn_why_a_connection_was_closed() -> None:
    async def main() -> dict[str, tuple[Any, ...]]:
        seen: dict[str, tuple[Any, ...]] = {}

        async def handler(connection: Any) -> None:
            path = connection.request.path
            if path == "/server":
                await connection.close(4000, "enough")
            try:
                await connection.recv()
            except ConnectionClosed as error:
                seen[path] = type(error), error.rcvd and error.rcvd.code, error.sent and error.sent.code

        async with serve(handler, "127.0.0.1", 0, max_size=1000, close_timeout=1) as server:
            for path in "/client", "/normal", "/server", "/big", "/utf8", "/abort":
                client = await connect(address(server) + path, compression=None)
                if path == "/client":
                    await client.close(4001, "my reason")
                elif path == "/normal":
                    await client.close()
                elif path == "/big":
                    await client.send(b"x" * 1001)
                elif path == "/utf8":
                    client.transport.write(Frame(Opcode.TEXT, b"\xff\xfe").serialize(mask=True))
                elif path == "/abort":
                    client.transport.abort()
                with pytest.raises(ConnectionClosed) as caught:
                    await client.recv()
                await until(lambda: path in seen, f"the server's view of {path}")
                seen[path] += (type(caught.value), client.close_code, client.close_reason)
        return seen

    bad, good = ConnectionClosedError, ConnectionClosedOK
    found = run_cleanly(main())
    # For each: what the server's handler was raised, with the codes it was sent and sent itself; then the client's.
    assert found["/client"] == (bad, 4001, 4001, bad, 4001, "my reason")
    assert found["/normal"] == (good, 1000, 1000, good, 1000, "")
    assert found["/server"] == (bad, 4000, 4000, bad, 4000, "enough")
    # A side that fails a connection does not wait for the other's answer.
    assert found["/big"][::2][:3] == (bad, 1009, 1009) and found["/big"][3] is bad
    assert found["/utf8"][::2][:3] == (bad, 1007, 1007) and found["/utf8"][3] is bad
    assert found["/abort"] == (bad, None, None, bad, 1006, "")


@library("100 connections at a time, broadcast")
def test_a_hundred_connections_at_a_time_keep_their_messages_apart() -> None:
    rounds = 20

    async def main() -> int:
        answered = asyncio.Barrier(CONNECTIONS + 1)

        async def one(uri: str, number: int) -> list[str]:
            async with connect(uri, open_timeout=30) as client:
                for turn in range(rounds):
                    await client.send(f"{number}:{turn}")
                back = [await client.recv() for _ in range(rounds)]
                assert back == [f"{number}:{turn}" for turn in range(rounds)]
                await answered.wait()
                return [await client.recv(), await client.recv()]

        async with serve(echo, "127.0.0.1", 0, backlog=CONNECTIONS) as server:
            async with asyncio.TaskGroup() as group:
                clients = [group.create_task(one(address(server), number)) for number in range(CONNECTIONS)]
                await answered.wait()
                assert len(server.connections) == CONNECTIONS
                broadcast(server.connections, "to all")
                broadcast(server.connections, b"again")
            assert all(client.result() == ["to all", b"again"] for client in clients)
            return len(clients)

    assert run_cleanly(main()) == CONNECTIONS


@library("TLS")
def test_tls_works_and_a_stranger_s_certificate_is_refused() -> None:
    async def main() -> tuple[str, str | None]:
        server_side, trusting = server_context(), client_context()
        async with serve(echo, "127.0.0.1", 0, ssl=server_side) as server:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(address(server, "wss"), ssl=ssl.create_default_context())
            with pytest.raises(websockets.InvalidMessage):  # plain text to a port of TLS
                await connect(address(server))
            async with connect(address(server, "wss"), ssl=trusting) as client:
                message = "secret " * 50_000
                await client.send(message)
                back = await client.recv()
                assert back == message
                return back[:6], client.transport.get_extra_info("ssl_object").version()

    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)  # of the plain text
    try:
        assert run_cleanly(main()) == ("secret", "TLSv1.3")
    finally:
        logging.getLogger("websockets.server").setLevel(logging.NOTSET)


@library("a server that shuts down, and one that is killed")
def test_a_server_that_shuts_down_tells_its_clients_and_waits_for_its_handlers() -> None:
    async def main() -> list[tuple[int, list[str]]]:
        cleaned: list[bool] = []

        async def handler(connection: Any) -> None:
            try:
                await echo(connection)
            finally:
                await asyncio.sleep(0.05)
                cleaned.append(True)

        server = await serve(handler, "127.0.0.1", 0)
        uri = address(server)
        clients = [await connect(uri) for _ in range(10)]
        for client in clients:
            await client.send("hello")
            assert await client.recv() == "hello"
        server.close()
        codes = []
        for client in clients:
            messages = [message async for message in client]  # 1001 ends the loop without an error
            codes.append((client.close_code, messages))
        await server.wait_closed()
        assert cleaned == [True] * 10
        with pytest.raises(OSError):
            await connect(uri)
        return codes

    assert run_cleanly(main()) == [(1001, [])] * 10


SERVER = """
import asyncio, sys
from websockets.asyncio.server import serve

async def answer(connection):
    async for message in connection:
        await connection.send(f"{type(asyncio.get_running_loop()).__module__} {message}")

async def main():
    async with serve(answer, "127.0.0.1", int(sys.argv[1])):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with served_program(SERVER, tmp_path) as process:
        yield process


@library("a server that shuts down, and one that is killed")
def test_a_client_survives_the_killing_of_its_server(server: Server) -> None:
    async def main() -> tuple[list[str], type[BaseException], Any]:
        answers: list[str] = []
        error: Any = None
        uri = f"ws://127.0.0.1:{server.port}"
        async for client in connect(uri, reconnect_delays=lambda: repeat(0.05), process_exception=lambda error: None):
            try:
                await client.send(f"request {len(answers)}")
                answers.append(await client.recv())
                if len(answers) == 2:
                    break
                waiting = asyncio.create_task(client.recv())
                await asyncio.sleep(0)
                await asyncio.to_thread(server.kill)
                await waiting
            except ConnectionClosed as closed:
                error = closed
                await asyncio.to_thread(server.start)
                with pytest.raises(ConnectionClosedError):
                    await client.send("into the void")
        return answers, type(error), error.rcvd

    answers, error, received = run_cleanly(main())
    assert answers == ["compat.events request 0", "compat.events request 1"]
    assert (error, received) == (ConnectionClosedError, None)
