"""hypercorn, as a program and as a function: HTTP/1.1, HTTP/2, websockets, several workers, on this project's loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, free_port, served
from tests.support.paths import CERTIFICATES, ROOT
from tests.support.tls import client_context

httpx = pytest.importorskip("httpx")
serve = pytest.importorskip("hypercorn.asyncio").serve
Config = pytest.importorskip("hypercorn.config").Config
connect = pytest.importorskip("websockets.asyncio.client").connect
apps = pytest.importorskip("tests.ecosystem.http_apps")

LOOP = "compat.events.EventLoop"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "compat", "-m", "hypercorn", "tests.ecosystem.http_apps:starlette_app",
               "--workers", "0", "--bind", f"127.0.0.1:{port}", "--certfile", str(CERTIFICATES / "server.pem"),
               "--keyfile", str(CERTIFICATES / "server.pem")]
    with served(command, port, tmp_path_factory.mktemp("hypercorn") / "log", cwd=ROOT) as server:
        yield server


@pytest.mark.library("Hypercorn", "python -m compat -m hypercorn: HTTP/1.1 and HTTP/2 by TLS, websockets, SIGTERM")
@pytest.mark.library("httpx", "HTTP/2: many requests on one connection")
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_bodies_and_many_requests(server: Server, version: str) -> None:
    async def main() -> None:
        url = f"https://localhost:{server.port}"
        async with httpx.AsyncClient(base_url=url, verify=client_context(), http2=version == "2") as http:
            sent, received = await asyncio.gather(http.post("/hash", content=apps.pieces()), http.get("/stream"))
            assert sent.json() == {"hash": apps.BODY_HASH, "size": len(apps.BODY)}
            assert received.content == apps.BODY
            answers = [answer.json() for answer in await asyncio.gather(*(http.get("/about") for _ in range(60)))]
        assert {(answer["loop"], answer["started"], answer["version"]) for answer in answers} == {(LOOP, LOOP, version)}
        assert version == "1.1" or len({answer["client"] for answer in answers}) == 1

    run_cleanly(main(), keeps=True)


@pytest.mark.library("Hypercorn", "python -m compat -m hypercorn: HTTP/1.1 and HTTP/2 by TLS, websockets, SIGTERM")
def test_websockets_and_the_end(server: Server) -> None:
    async def main() -> None:
        async with connect(f"wss://localhost:{server.port}/echo", ssl=client_context()) as websocket:
            await websocket.send("hello")
            assert await websocket.recv() == "hello"
            await websocket.send(bytes(100_000))
            assert await websocket.recv() == bytes(100_000)
            await websocket.send("end")
            await websocket.wait_closed()
            assert (websocket.close_code, websocket.close_reason) == (4001, "as you wish")

    run_cleanly(main(), keeps=True)
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    log = server.log.read_text()
    assert f"the application has ended on {LOOP}" in log and "Traceback" not in log


@pytest.mark.library("Hypercorn", "--workers 2, each of which installs the loop with the application")
def test_several_workers(tmp_path: Path) -> None:
    (tmp_path / "installed.py").write_text(
        "import compat\ncompat.install()\nfrom tests.ecosystem.http_apps import starlette_app\n")
    port = free_port()
    command = [sys.executable, "-m", "hypercorn", "installed:starlette_app", "--workers", "2",
               "--bind", f"127.0.0.1:{port}"]
    path = os.pathsep.join(map(str, [tmp_path, ROOT]))

    async def main() -> None:
        found = set[int]()
        async with httpx.AsyncClient(headers={"Connection": "close"}) as http:
            while len(found) < 2:
                answer = (await http.get(f"http://127.0.0.1:{port}/about")).json()
                assert answer["loop"] == LOOP
                found.add(answer["pid"])

    with served(command, port, tmp_path / "log", env={**os.environ, "PYTHONPATH": path}) as server:
        run_cleanly(main(), keeps=True)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    assert server.log.read_text().count(f"the application has ended on {LOOP}") == 2


@pytest.mark.library("Hypercorn", "hypercorn.asyncio.serve in compat.run, with its client in the same loop")
def test_as_a_function() -> None:
    async def main() -> dict[str, Any]:
        config = Config()
        config.bind = [f"127.0.0.1:{free_port()}"]
        config.graceful_timeout = 5
        enough = asyncio.Event()
        serving = asyncio.create_task(serve(apps.starlette_app, config, shutdown_trigger=enough.wait))
        async with httpx.AsyncClient(base_url=f"http://{config.bind[0]}") as http:
            while True:
                try:
                    about = (await http.get("/about")).json()
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.01)
            assert (await http.post("/hash", content=apps.pieces())).json()["hash"] == apps.BODY_HASH
        enough.set()
        await serving
        return dict(about)

    about = run_cleanly(main(), keeps=True)
    assert (about["loop"], about["started"], about["pid"]) == (LOOP, LOOP, os.getpid())
