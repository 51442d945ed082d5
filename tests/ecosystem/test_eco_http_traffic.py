"""Load by wrk and ab on uvicorn, and nginx in front of uvicorn and aiohttp, which run on this project's loop."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, free_port, program, served
from tests.support.paths import ROOT

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("uvicorn")
pytest.importorskip("httptools")

REQUESTS = 3000
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

AIOHTTP = """
import asyncio, sys
import compat
from aiohttp import web
from tests.ecosystem.aiohttp_app import application

web.run_app(application(), host="127.0.0.1", port=int(sys.argv[1]), loop=compat.new_event_loop())
"""


@contextmanager
def application(name: str, directory: Path) -> Iterator[Server]:
    """An application served by uvicorn or by aiohttp."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.ecosystem.http_apps:starlette_app", "--port", str(port),
               "--loop", "compat:new_event_loop", "--no-access-log"]
    if name == "aiohttp":
        command = [sys.executable, "-c", AIOHTTP, str(port)]
    with served(command, port, directory / f"{name}.log", env=ENVIRONMENT) as server:
        yield server


@pytest.fixture(scope="module")
def uvicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with application("uvicorn", tmp_path_factory.mktemp("uvicorn")) as server:
        yield server


def output_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.library("uvicorn", "load by wrk and ab: no errors")
@pytest.mark.parametrize("path", ["hello", "stream"])
def test_wrk(uvicorn: Server, path: str) -> None:
    wrk = program("wrk", "wrk")
    said = output_of(wrk, "-t1", "-c50", "-d2s", f"http://127.0.0.1:{uvicorn.port}/{path}")
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    counted = re.search(r"(\d+) requests in", said)
    assert counted is not None and int(counted[1]) > 20, said
    assert uvicorn.process is not None and uvicorn.process.poll() is None
    assert "Traceback" not in uvicorn.log.read_text()


@pytest.mark.library("uvicorn", "load by wrk and ab: no errors")
def test_ab(uvicorn: Server) -> None:
    figures = by_ab(uvicorn)
    assert "Keep-Alive requests" not in figures  # a connection for each


@pytest.mark.library("aiohttp", "load by ab: no errors, connections kept")
def test_ab_keeps_connections(tmp_path: Path) -> None:
    with application("aiohttp", tmp_path) as server:
        figures = by_ab(server, "-k")
        assert int(figures["Keep-Alive requests"]) > REQUESTS * 0.9


def by_ab(server: Server, *options: str) -> dict[str, str]:
    """The figures that ab prints, of which those that tell of errors are checked."""
    ab = program("ab", "apache2-utils")
    said = output_of(ab, *options, "-q", "-n", str(REQUESTS), "-c", "50", f"http://127.0.0.1:{server.port}/hello")
    figures = dict(re.findall(r"^([A-Z][\w -]+):\s+(\d+)", said, re.MULTILINE))
    assert (figures["Complete requests"], figures["Failed requests"]) == (str(REQUESTS), "0"), said
    assert "Non-2xx responses" not in figures and "Write errors" not in figures, said
    assert figures["HTML transferred"] == str(REQUESTS * len("Hello, world!"))
    assert "Traceback" not in server.log.read_text()
    return figures


NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr info;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 0;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    upstream application {{
        server 127.0.0.1:{upstream};
        keepalive 1;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_request_buffering off;
            proxy_buffering off;
        }}
    }}
}}
"""


@pytest.fixture(scope="module", params=["uvicorn", "aiohttp"])
def behind_nginx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of nginx in front of an application."""
    nginx = program("nginx", "nginx")
    directory = tmp_path_factory.mktemp("nginx")
    port = free_port()
    with application(request.param, directory) as server:
        (directory / "nginx.conf").write_text(NGINX.format(directory=directory, port=port, upstream=server.port))
        command = [nginx, "-p", str(directory), "-e", "stderr", "-c", str(directory / "nginx.conf")]
        with served(command, port, directory / "nginx.log") as proxy:
            yield f"http://127.0.0.1:{port}"
        said = [line for line in proxy.log.read_text().splitlines() if re.search(r"\[(error|crit|alert|emerg)\]", line)]
        assert not said, said
        assert "Traceback" not in server.log.read_text()


@pytest.mark.library("uvicorn", "behind nginx: connections kept, websockets, large bodies")
@pytest.mark.library("aiohttp", "behind nginx: connections kept, websockets, large bodies")
def test_nginx(behind_nginx: str, request: pytest.FixtureRequest) -> None:
    size, pieces = 256 * 1024, 40  # ten MiB in all
    expected = hashlib.sha256(b"x" * size * pieces).hexdigest()

    async def main() -> None:
        async with aiohttp.ClientSession(base_url=behind_nginx) as session:

            async def upstream_port() -> int:
                """That of nginx as the application's client."""
                async with session.get("/about" if "uvicorn" in request.node.name else "/peer") as response:
                    answer = await response.json()
                    return int(answer["client"] if isinstance(answer, dict) else answer[1])

            assert len({await upstream_port() for _ in range(20)}) == 1

            async def talk(number: int) -> None:
                async with session.ws_connect("/echo", max_msg_size=0) as websocket:
                    for message in range(20):
                        await websocket.send_str(f"{number} {message}")
                        assert await websocket.receive_str() == f"{number} {message}"
                    await websocket.send_bytes(bytes(500_000))
                    assert await websocket.receive_bytes() == bytes(500_000)
                    await websocket.send_str("end")
                    assert (await websocket.receive()).data == 4001

            async def send() -> None:
                async def body() -> object:
                    for _ in range(pieces):
                        yield b"x" * size

                async with session.post("/hash", data=body()) as response:
                    assert (await response.json())["hash"] == expected

            async def receive() -> int:
                async with session.get("/stream") as response:
                    return len(await response.read())

            *_, received = await asyncio.gather(*map(talk, range(5)), send(), receive())
            assert received in (48 * 64 * 1024, 80 * 64 * 1024)

    run_cleanly(main(), keeps=True)
