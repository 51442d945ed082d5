"""uvicorn with Starlette and FastAPI, in one process and in several, and httpx as a client: on this project's loop."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, exists, free_port, served
from tests.support.paths import CERTIFICATES, ROOT
from tests.support.tls import client_context

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")
websockets = pytest.importorskip("websockets.asyncio.client")
apps = pytest.importorskip("tests.ecosystem.http_apps")

LOOP = "compat.events.EventLoop"


def uvicorn(app: str, log: Path, *options: str) -> AbstractContextManager[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"tests.ecosystem.http_apps:{app}", "--loop", "compat:new_event_loop",
               "--port", str(port), *options]
    return served(command, port, log, cwd=ROOT)


VARIANTS: dict[str, list[str]] = {
    "httptools": ["--http", "httptools", "--ws", "websockets-sansio"],
    "h11-tls": ["--http", "h11", "--ws", "wsproto", "--ssl-certfile", str(CERTIFICATES / "server.pem")],
}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(variant: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with uvicorn("starlette_app", tmp_path_factory.mktemp("uvicorn") / "log", *VARIANTS[variant]) as server:
        yield server


@pytest.fixture
def url(server: Server, variant: str) -> str:
    return f"{'https' if variant.endswith('tls') else 'http'}://localhost:{server.port}"


def client(url: str, **options: Any) -> Any:
    return httpx.AsyncClient(base_url=url, verify=client_context(), **options)


@pytest.mark.library("uvicorn", "--loop compat:new_event_loop: httptools, h11, websockets, wsproto, TLS, lifespan")
@pytest.mark.library("starlette", "lifespan, streams, websockets, a handler that fails")
def test_the_application_runs_on_this_loop(url: str) -> None:
    async def main() -> dict[str, Any]:
        async with client(url) as http:
            return (await http.get("/about")).json()

    about = run_cleanly(main(), keeps=True)
    assert (about["loop"], about["started"]) == (LOOP, LOOP)


@pytest.mark.library("starlette", "lifespan, streams, websockets, a handler that fails")
@pytest.mark.library("httpx", "AsyncClient on anyio: streams, a pool, time limits, TLS")
def test_large_bodies_are_streamed(url: str) -> None:
    async def main() -> None:
        async with client(url) as http:

            async def receive() -> str:
                digest = hashlib.sha256()
                async with http.stream("GET", "/stream") as response:
                    assert "content-length" not in response.headers
                    async for data in response.aiter_raw():
                        digest.update(data)
                return digest.hexdigest()

            sent, received = await asyncio.gather(http.post("/hash", content=apps.pieces()), receive())
        assert sent.json() == {"hash": apps.BODY_HASH, "size": len(apps.BODY)} and received == apps.BODY_HASH

    run_cleanly(main(), keeps=True)


@pytest.mark.library("httpx", "AsyncClient on anyio: streams, a pool, time limits, TLS")
def test_many_requests_share_a_pool(url: str) -> None:
    async def main() -> None:
        async with client(url, limits=httpx.Limits(max_connections=8)) as http:
            answers = await asyncio.gather(*(http.get("/about") for _ in range(150)))
            assert len({answer.json()["client"] for answer in answers}) <= 8
            ports = {(await http.get("/about")).json()["client"] for _ in range(10)}
            assert len(ports) == 1, "the connection is kept"

    run_cleanly(main(), keeps=True)


@pytest.mark.library("httpx", "AsyncClient on anyio: streams, a pool, time limits, TLS")
def test_time_limits_and_cancellation(url: str) -> None:
    async def main() -> None:
        async with client(url, limits=httpx.Limits(max_connections=1)) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/stall", timeout=0.1)
            async with http.stream("GET", "/stream"):
                with pytest.raises(httpx.PoolTimeout):
                    await http.get("/hello", timeout=httpx.Timeout(5, pool=0.1))
            stalled = asyncio.create_task(http.get("/stall", timeout=None))
            await asyncio.sleep(0.1)
            stalled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stalled
            assert (await http.get("/hello")).text == "Hello, world!", "the pool's one place is free again"

    run_cleanly(main(), keeps=True)


@pytest.mark.library("httpx", "AsyncClient on anyio: streams, a pool, time limits, TLS")
def test_nobody_listens() -> None:
    async def main() -> None:
        async with client(f"http://localhost:{free_port()}") as http:
            with pytest.raises(httpx.ConnectError, match="All connection attempts failed"):
                await http.get("/")

    run_cleanly(main(), keeps=True)


@pytest.mark.library("starlette", "lifespan, streams, websockets, a handler that fails")
def test_a_handler_fails(server: Server, url: str) -> None:
    async def main() -> None:
        async with client(url, headers={"Connection": "close"}) as http:
            answer = await http.get("/fail")
            assert (answer.status_code, answer.text) == (500, "Internal Server Error")
            assert (await http.get("/hello")).status_code == 200

    run_cleanly(main(), keeps=True)
    assert "RuntimeError: as the test wants it" in server.log.read_text()


@pytest.mark.library("starlette", "lifespan, streams, websockets, a handler that fails")
@pytest.mark.library("websockets", "client of uvicorn's servers")
def test_websockets(url: str) -> None:
    large = os.urandom(900 * 1024)

    async def talk(name: str) -> None:
        address = url.replace("http", "ws", 1) + "/echo"
        context = client_context() if address.startswith("wss") else None
        async with websockets.connect(address, ssl=context) as websocket:
            for number in range(20):
                await websocket.send(f"{name} {number}")
            assert [await websocket.recv() for _ in range(20)] == [f"{name} {number}" for number in range(20)]
            await websocket.send(large)
            assert await websocket.recv() == large
            await websocket.send("end")
            await websocket.wait_closed()
        assert (websocket.close_code, websocket.close_reason) == (4001, "as you wish")

    async def main() -> None:
        await asyncio.gather(*map(talk, "abc"))

    run_cleanly(main(), keeps=True)


@pytest.mark.library("uvicorn", "SIGTERM: a request in flight is answered, the lifespan ended")
def test_a_graceful_end(tmp_path: Path) -> None:
    async def main(server: Server) -> None:
        process = server.process
        assert process is not None
        async with client(f"http://127.0.0.1:{server.port}") as http:
            async with http.stream("GET", "/until-nobody-listens") as response:
                received = response.aiter_raw()
                assert await anext(received) == b"working\n"
                process.send_signal(signal.SIGTERM)
                assert b"".join([data async for data in received]) == b"done"
        # The signal is raised again when all is done.
        assert await asyncio.to_thread(process.wait, 20) in (0, -signal.SIGTERM)

    with uvicorn("starlette_app", tmp_path / "log") as server:
        run_cleanly(main(server), keeps=True)
    log = server.log.read_text()
    assert f"the application has ended on {LOOP}" in log and "Traceback" not in log


async def workers(url: str, number: int, gone: frozenset[int] = frozenset()) -> set[int]:
    """Ask, by a connection each time, until so many processes have answered that are not `gone`."""
    found = set[int]()
    async with client(url, headers={"Connection": "close"}) as http:
        while len(found) < number:
            try:
                answers = await asyncio.gather(*(http.get("/about") for _ in range(10)))
            except httpx.TransportError:
                if not gone:
                    raise
                continue  # accepted by the one that was killed
            for answer in answers:
                assert (answer.json()["loop"], answer.json()["started"]) == (LOOP, LOOP)
                found.add(answer.json()["pid"])
            found -= gone
    return found


@pytest.mark.library("uvicorn", "--workers 2: both serve, one that is killed is replaced, SIGTERM ends them all")
def test_several_workers(tmp_path: Path) -> None:
    with uvicorn("starlette_app", tmp_path / "log", "--workers", "2") as server:
        url = f"http://127.0.0.1:{server.port}"
        assert server.process is not None
        first = run_cleanly(workers(url, 2), keeps=True)
        assert server.process.pid not in first and len(first) == 2
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        second = run_cleanly(workers(url, 2, frozenset({victim})), keeps=True)
        assert len(second & first) == 1 and len(second - first) == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        limit = time.monotonic() + 10
        while any(map(exists, second)):
            assert time.monotonic() < limit, "workers have outlived their parent"
            time.sleep(0.02)
    log = server.log.read_text()
    assert "Traceback" not in log
    assert log.count(f"the application has ended on {LOOP}") == 2


@pytest.fixture(scope="module")
def fastapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with uvicorn("fastapi_app", tmp_path_factory.mktemp("fastapi") / "log") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.mark.library("fastapi", "validation, dependencies, background tasks, threads, uploads, OpenAPI")
def test_fastapi(fastapi: str) -> None:
    async def main() -> None:
        async with client(fastapi) as http:
            made = await http.post("/items", json={"name": "cup", "price": 2.5})
            assert made.json() == {"name": "cup", "double": 5.0, "loop": LOOP}
            events = list[str]()
            while len(events) < 3:  # two of them come after the answer
                events += (await http.get("/events")).json()
            assert events[0] == "opened" and sorted(events[1:]) == ["afterwards", "closed"]
            refused = await http.post("/items", json={"name": "cup", "price": -1})
            assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["body", "price"]
            missing = await http.post("/items", json={"name": "nothing", "price": 1})
            assert (missing.status_code, missing.json()) == (404, {"detail": "there is no such thing"})
            answers = await asyncio.gather(*(http.get("/in-a-thread") for _ in range(60)))
            assert all(answer.json() == {"main": False} for answer in answers)
            sent = await http.post("/upload", files={"file": ("body.bin", apps.BODY)})
            assert sent.json() == {"name": "body.bin", "size": len(apps.BODY), "hash": apps.BODY_HASH}
            assert "/items" in (await http.get("/openapi.json")).json()["paths"]

    run_cleanly(main(), keeps=True)
