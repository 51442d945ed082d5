"""Servers that prefer uvloop, and those that are told to use it, run on this project's loop by `python -m compat`."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.ecosystem.servers import free_port, served
from tests.support.interpreters import run_python

pytest.importorskip("uvloop")

APP = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": message["type"] + ".complete"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": type(asyncio.get_running_loop()).__module__.encode()})
"""
UVICORN = ["-m", "uvicorn", "app:app", "--port"]
HYPERCORN = ["-m", "hypercorn", "app:app", "--bind"]


@pytest.mark.parametrize(("command", "options"), [
    pytest.param(UVICORN, [], marks=pytest.mark.library("uvicorn", "by python -m compat where uvloop is installed")),
    pytest.param(UVICORN, ["--workers", "2"], marks=pytest.mark.library("uvicorn", "its workers by python -m compat")),
    pytest.param(UVICORN, ["--loop", "uvloop"]),
    pytest.param(HYPERCORN, ["--workers", "2"],
                 marks=pytest.mark.library("Hypercorn", "its workers by python -m compat")),
    pytest.param(HYPERCORN, ["--worker-class", "uvloop"]),
], ids=["uvicorn", "uvicorn's workers", "uvicorn --loop uvloop", "hypercorn's workers", "hypercorn -k uvloop"])
def test_a_server_has_our_loop(tmp_path: Path, command: list[str], options: list[str]) -> None:
    pytest.importorskip(command[1])
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    address = str(port) if command is UVICORN else f"127.0.0.1:{port}"
    with served([sys.executable, "-m", "compat", *command, address, *options], port, tmp_path / "log", cwd=tmp_path):
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            assert answer.read() == b"compat.events"


DASK = """
from distributed import Client, LocalCluster, get_worker

def kind():
    return type(get_worker().loop.asyncio_loop).__module__

if __name__ == "__main__":
    with (LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
          Client(cluster) as client):
        print(client.submit(kind).result(timeout=40))
"""


@pytest.mark.library("distributed", "a nanny's worker by python -m compat")
def test_a_nanny_s_worker_has_our_loop(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "program.py").write_text(DASK)
    status, out, err = run_python("-m", "compat", "program.py", cwd=tmp_path, timeout=55)
    assert (status, out) == (0, "compat.events\n"), err


@pytest.mark.library("uvloop", "uvloop.new_event_loop is this project's; uvloop.run stays and says so")
def test_uvloop_s_own_run_says_that_it_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import asyncio, uvloop\n"
        "async def kind():\n    print(type(asyncio.get_running_loop()).__module__)\n"
        "with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:\n    runner.run(kind())\n"
        "uvloop.run(kind())\nuvloop.run(kind())\n")
    status, out, err = run_python("-m", "compat", "program.py", cwd=tmp_path)
    assert (status, out) == (0, "compat.events\nuvloop\nuvloop\n")
    assert err.count("RuntimeWarning: this program runs on an event loop of uvloop's") == 1
