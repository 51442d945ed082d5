"""aiohttp, server and client: bodies, websockets, TLS, keep-alive, time limits, shutdown; also across processes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, served_program
from tests.support.tls import client_context, server_context

aiohttp = pytest.importorskip("aiohttp")
from aiohttp import web  # noqa: E402

from tests.ecosystem.aiohttp_app import BODY_HASH, application, body, piece  # noqa: E402


@asynccontextmanager
async def serving(app: Any, context: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[str]:
    """The URL of the application, which is served inside the block."""
    runner = web.AppRunner(app, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        scheme = "http" if context is None else "https"
        yield f"{scheme}://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def exchange_bodies(session: Any, url: str) -> str:
    """Send and receive a large body at once; returns the module of the server's loop."""

    async def send() -> Any:
        async with session.post(f"{url}/hash", data=body()) as response:
            return await response.json()

    async def receive() -> str:
        digest = hashlib.sha256()
        async with session.get(f"{url}/stream") as response:
            assert response.status == 200 and response.headers["Transfer-Encoding"] == "chunked"
            async for data in response.content.iter_any():
                digest.update(data)
        return digest.hexdigest()

    sent, received = await asyncio.gather(send(), receive())
    assert received == BODY_HASH
    assert sent["hash"] == BODY_HASH and sent["chunked"] == "chunked"
    return str(sent["loop"])


@pytest.mark.library("aiohttp", "server and client: bodies of several MiB, chunked, both ways at once, also by TLS")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_large_bodies_are_streamed(scheme: str) -> None:
    async def main() -> None:
        server, client = server_context(), client_context()
        async with serving(application(), server if scheme == "https" else None) as url:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client)) as session:
                assert await exchange_bodies(session, url) == "compat.events"

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiohttp", "server and client: bodies of several MiB, chunked, both ways at once, also by TLS")
def test_a_client_that_does_not_trust_the_server_says_so() -> None:
    async def main() -> None:
        async with serving(application(), server_context()) as url, aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError, match="CERTIFICATE_VERIFY_FAILED"):
                await session.get(f"{url}/peer")

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiohttp", "websockets")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_websockets(scheme: str) -> None:
    large = os.urandom(2 * 1024 * 1024)

    async def talk(session: Any, url: str, name: str) -> None:
        async with session.ws_connect(f"{url}/echo", max_msg_size=0) as websocket:
            for number in range(50):
                await websocket.send_str(f"{name} {number}")
            for number in range(50):
                assert await websocket.receive_str() == f"{name} {number}"
            await websocket.ping()
            await websocket.send_bytes(large)
            assert await websocket.receive_bytes() == large
            await websocket.send_str("end")
            closing = await websocket.receive()
            assert (closing.type, closing.data, closing.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "as you wish")
        assert websocket.closed and websocket.close_code == 4001

    async def main() -> None:
        server, client = server_context(), client_context()
        async with serving(application(), server if scheme == "https" else None) as url:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client)) as session:
                await asyncio.gather(*(talk(session, url, name) for name in ("a", "b", "c")))

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiohttp", "keep-alive; many requests through a pool")
def test_a_connection_is_used_again_unless_told_otherwise() -> None:
    async def main() -> None:
        async with serving(application()) as url, aiohttp.ClientSession() as session:

            async def address(**headers: str) -> tuple[str, int]:
                async with session.get(f"{url}/peer", headers=headers) as response:
                    host, port = await response.json()
                    return host, port

            assert len({await address() for _ in range(20)}) == 1
            assert len({await address(Connection="close") for _ in range(3)}) == 3

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiohttp", "keep-alive; many requests through a pool")
def test_many_requests_share_a_pool() -> None:
    limit, requests = 10, 300
    under_way, most = 0, 0

    async def work(request: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return web.json_response([int(request.query["n"]), request.transport.get_extra_info("peername")[1]])

    async def main() -> None:
        app = web.Application()
        app.add_routes([web.get("/", work)])
        connector = aiohttp.TCPConnector(limit=limit)
        async with serving(app) as url, aiohttp.ClientSession(connector=connector) as session:

            async def ask(number: int) -> int:
                async with session.get(url, params={"n": str(number)}) as response:
                    answer, port = await response.json()
                    assert answer == number
                    return int(port)

            ports = await asyncio.gather(*map(ask, range(requests)))
        assert most == limit and len(set(ports)) == limit

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiohttp", "time limits and cancellation, seen from both sides")
@pytest.mark.parametrize("limit", [{"total": 0.1}, {"sock_read": 0.1}])
def test_a_client_runs_out_of_time(limit: dict[str, float]) -> None:
    async def main() -> None:
        given_up = asyncio.Event()

        async def stall(request: Any) -> Any:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

        app = application()
        app.add_routes([web.get("/stall", stall)])
        async with serving(app, handler_cancellation=True) as url, aiohttp.ClientSession() as session:
            with pytest.raises(asyncio.TimeoutError):
                await session.get(f"{url}/stall", timeout=aiohttp.ClientTimeout(**limit))
            await given_up.wait()  # the connection was closed, and the server has noticed
            assert (await session.get(f"{url}/peer")).status == 200

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiohttp", "time limits and cancellation, seen from both sides")
def test_a_client_is_cancelled_in_the_middle_of_a_body() -> None:
    async def main() -> None:
        outcome = asyncio.get_running_loop().create_future()

        async def endless(request: Any) -> Any:
            response = web.StreamResponse()
            await response.prepare(request)
            try:
                while True:
                    await response.write(piece(1))
            except (ConnectionError, asyncio.CancelledError) as error:
                outcome.set_result(error)
                raise

        async def read(session: Any, url: str, arrived: asyncio.Event) -> None:
            async with session.get(f"{url}/endless") as response:
                async for _ in response.content.iter_any():
                    arrived.set()

        app = application()
        app.add_routes([web.get("/endless", endless)])
        async with serving(app) as url, aiohttp.ClientSession() as session:
            arrived = asyncio.Event()
            reading = asyncio.create_task(read(session, url, arrived))
            await arrived.wait()
            reading.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await reading
            assert isinstance(await outcome, (ConnectionError, asyncio.CancelledError))
            assert (await session.get(f"{url}/peer")).status == 200

    run_cleanly(main(), keeps=True)


PROGRAM = """
import sys
from aiohttp import web
from tests.ecosystem.aiohttp_app import application

web.run_app(application(), host="127.0.0.1", port=int(sys.argv[1]), shutdown_timeout=20)
"""


@pytest.mark.library("aiohttp", "across processes: also with asyncio's own loop at one end; a graceful end")
@pytest.mark.parametrize("client, server", [("compat", "compat"), ("compat", "asyncio"), ("asyncio", "compat")])
def test_across_processes(client: str, server: str, tmp_path: Path) -> None:
    async def main(url: str) -> str:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"{url}/echo") as websocket:
                await websocket.send_str("hello")
                assert await websocket.receive_str() == "hello"
            return await exchange_bodies(session, url)

    run: Any = run_cleanly if client == "compat" else asyncio.run
    with served_program(PROGRAM, tmp_path, on_compat=server == "compat") as process:
        loop = run(main(f"http://127.0.0.1:{process.port}"))
    assert loop == ("compat.events" if server == "compat" else "asyncio.unix_events")


@pytest.mark.library("aiohttp", "across processes: also with asyncio's own loop at one end; a graceful end")
def test_a_request_in_flight_is_answered_before_the_server_ends(tmp_path: Path) -> None:
    async def main(server: Server) -> None:
        process = server.process
        assert process is not None
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{server.port}/until-the-end") as response:
                assert await response.content.readline() == b"working\n"
                process.send_signal(signal.SIGTERM)
                assert await response.content.read() == b"done"
        assert await asyncio.to_thread(process.wait, 20) == 0

    with served_program(PROGRAM, tmp_path, on_compat=True) as server:
        run_cleanly(main(server), keeps=True)
    assert "Traceback" not in server.log.read_text()
