"""websockets as of 2017, unchanged, with `@asyncio.coroutine`, `yield from` and `asyncio.async`; and as of today.

Each release serves the other and itself, in processes of their own, run by `python -m compat`. Both are installed from
the package index into a temporary directory; where that is not possible the tests are skipped, but not in CI.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RELEASES = {"old": "websockets==3.4", "new": "websockets==17.4"}
MESSAGES = 200
pytestmark = [pytest.mark.timeout(300),  # the installation
              pytest.mark.library("websockets", "3.4 with yield from and asyncio.async, and the current release")]

OLD_SERVER = """
import asyncio, sys, websockets

@asyncio.coroutine
def echo(connection, path):
    while True:
        try:
            message = yield from connection.recv()
        except websockets.ConnectionClosed:
            return
        yield from connection.send(message)

loop = asyncio.get_event_loop()
server = loop.run_until_complete(websockets.serve(echo, "127.0.0.1", 0))
print(server.server.sockets[0].getsockname()[1], type(loop).__module__, websockets.__file__, flush=True)
loop.run_forever()
"""

NEW_SERVER = """
import asyncio, websockets
from websockets.asyncio.server import serve

async def echo(connection):
    async for message in connection:
        await connection.send(message)

async def main():
    async with serve(echo, "127.0.0.1", 0) as server:
        kind = type(asyncio.get_running_loop()).__module__
        print(server.sockets[0].getsockname()[1], kind, websockets.__file__, flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""

OLD_CLIENT = """
import asyncio, sys, websockets

@asyncio.coroutine
def main(port, count):
    connection = yield from websockets.connect("ws://127.0.0.1:%s/" % port)
    echoed = []
    for i in range(count):
        yield from connection.send("message %d" % i)
        echoed.append((yield from connection.recv()))
    yield from connection.close()
    assert echoed == ["message %d" % i for i in range(count)]
    print(len(echoed), type(asyncio.get_event_loop()).__module__, websockets.__file__)

asyncio.get_event_loop().run_until_complete(main(sys.argv[1], int(sys.argv[2])))
"""

NEW_CLIENT = """
import asyncio, sys, websockets
from websockets.asyncio.client import connect

async def main(port, count):
    async with connect("ws://127.0.0.1:%s/" % port) as connection:
        echoed = []
        for i in range(count):
            await connection.send("message %d" % i)
            echoed.append(await connection.recv())
    assert echoed == ["message %d" % i for i in range(count)]
    print(len(echoed), type(asyncio.get_running_loop()).__module__, websockets.__file__)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

PROGRAMS = {("server", "old"): OLD_SERVER, ("server", "new"): NEW_SERVER,
            ("client", "old"): OLD_CLIENT, ("client", "new"): NEW_CLIENT}


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directory that each release is installed in."""
    base = tmp_path_factory.mktemp("websockets")
    for release, requirement in RELEASES.items():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--no-compile", "--target", str(base / release), requirement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        if done.returncode != 0:
            reason = f"pip cannot install {requirement}: {done.stderr.strip().splitlines()[-1:]}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
    return {release: base / release for release in RELEASES}


def command(role: str, release: str, directory: Path) -> list[str]:
    """How to run the program of this role written for this release."""
    program = directory / f"{role}_{release}.py"
    program.write_text(PROGRAMS[role, release])
    return [sys.executable, "-W", "ignore", "-m", "compat", *(["--legacy"] if release == "old" else []), str(program)]


def environment(installed: Path) -> dict[str, str]:
    path = os.pathsep.join(map(str, [ROOT, installed]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def running(arguments: list[str], installed: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(arguments, env=environment(installed), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("client", RELEASES)
@pytest.mark.parametrize("server", RELEASES)
def test_pairing(releases: dict[str, Path], tmp_path: Path, server: str, client: str) -> None:
    with running(command("server", server, tmp_path), releases[server]) as serving:
        assert serving.stdout is not None and serving.stderr is not None
        port, kind, file = (serving.stdout.readline().split() or ["", "", serving.stderr.read()])[:3]
        assert (kind, file) == ("compat.events", str(releases[server] / "websockets" / "__init__.py"))
        done = subprocess.run([*command("client", client, tmp_path), port, str(MESSAGES)], text=True, timeout=60,
                              env=environment(releases[client]), capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split() == [str(MESSAGES), "compat.events",
                                       str(releases[client] / "websockets" / "__init__.py")]
        assert serving.poll() is None
        serving.send_signal(signal.SIGTERM)
        _, err = serving.communicate(timeout=30)
        assert err == ""


def test_the_old_release_is_what_needs_the_legacy_mode(releases: dict[str, Path], tmp_path: Path) -> None:
    """Without it the program does not even come to its loop."""
    arguments = [argument for argument in command("client", "old", tmp_path) if argument != "--legacy"]
    done = subprocess.run([*arguments, "1", "1"], env=environment(releases["old"]), capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr or "has no attribute 'coroutine'" in done.stderr
