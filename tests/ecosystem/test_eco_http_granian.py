"""granian, whose network is written in Rust, with handlers on this project's loop, by its registry of loops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, free_port, served
from tests.support.paths import ROOT

httpx = pytest.importorskip("httpx")
connect = pytest.importorskip("websockets.asyncio.client").connect
apps = pytest.importorskip("tests.ecosystem.http_apps")
pytest.importorskip("granian")

pytestmark = pytest.mark.library("granian", "a loop that is registered: bodies, websockets, many requests, SIGTERM")

LOOP = "compat.events.EventLoop"
PROGRAM = """
import asyncio, sys
import compat
from granian import Granian, loops
from granian.constants import Interfaces, Loops, TaskImpl

@loops.register("asyncio")
def build():
    loop = compat.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop

if __name__ == "__main__":
    Granian("tests.ecosystem.http_apps:starlette_app", port=int(sys.argv[1]), interface=Interfaces.ASGI,
            loop=Loops.asyncio, task_impl=TaskImpl(sys.argv[2])).serve()
"""


@pytest.fixture(scope="module", params=["asyncio", "rust"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("granian")
    program = directory / "serving.py"
    program.write_text(PROGRAM)
    port = free_port()
    with served([sys.executable, program, str(port), request.param], port, directory / "log",
                env={**os.environ, "PYTHONPATH": str(ROOT)}) as server:
        yield server


def test_bodies_and_many_requests(server: Server) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
            sent, received = await asyncio.gather(http.post("/hash", content=apps.pieces()), http.get("/stream"))
            assert sent.json() == {"hash": apps.BODY_HASH, "size": len(apps.BODY)}
            assert received.content == apps.BODY
            answers = [answer.json() for answer in await asyncio.gather(*(http.get("/about") for _ in range(100)))]
            assert {(answer["loop"], answer["started"]) for answer in answers} == {(LOOP, LOOP)}
            worked = await asyncio.gather(*(http.get("/work", params={"n": number}) for number in range(100)))
            assert [answer.json() for answer in worked] == list(range(100))
            assert (await http.get("/fail")).status_code == 500

    run_cleanly(main(), keeps=True)


def test_websockets_and_the_end(server: Server) -> None:
    async def main() -> None:
        async with connect(f"ws://127.0.0.1:{server.port}/echo") as websocket:
            for number in range(50):
                await websocket.send(str(number))
            assert [await websocket.recv() for _ in range(50)] == [str(number) for number in range(50)]
            await websocket.send(bytes(200_000))
            assert await websocket.recv() == bytes(200_000)

    run_cleanly(main(), keeps=True)
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    assert f"the application has ended on {LOOP}" in server.log.read_text()
