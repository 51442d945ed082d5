"""pytest-asyncio: a suite of tests, run by pytest in a process of its own, each test on this project's loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.interpreters import run_python

pytest.importorskip("pytest_asyncio")


HOOK = """
import compat

def pytest_asyncio_loop_factories(config, item):
    return {"compat": compat.new_event_loop}
"""

POLICY = """
import asyncio
import compat
import pytest

class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return compat.new_event_loop()

@pytest.fixture(scope="session")
def event_loop_policy():
    return Policy()
"""

SUITE = """
import asyncio
import compat
import pytest
import pytest_asyncio

@pytest_asyncio.fixture
async def number():
    await asyncio.sleep(0)
    yield 42
    await asyncio.sleep(0)

@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server():
    async def echo(reader, writer):
        while data := await reader.readline():
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield asyncio.get_running_loop(), server.sockets[0].getsockname()[1]

@pytest.mark.asyncio
async def test_loop(number):
    assert number == 42 and type(asyncio.get_running_loop()) is compat.EventLoop
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0.001))

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("text", [b"a", b"b"])
async def test_one_loop_for_the_module(server, text):
    loop, port = server
    assert loop is asyncio.get_running_loop() and type(loop) is compat.EventLoop
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text + b"\\n")
    assert await reader.readline() == text + b"\\n"
    writer.close()
    await writer.wait_closed()

@pytest.mark.asyncio
async def test_that_fails(number):
    assert number == 41

@pytest.mark.asyncio
async def test_that_leaves_a_task():
    asyncio.get_running_loop().create_task(asyncio.sleep(3600))

def test_between():
    assert asyncio._get_running_loop() is None
"""


@pytest.mark.library("pytest-asyncio", "a suite on this loop: fixtures, scopes, a test that fails")
@pytest.mark.parametrize("way, plugin", [("loop factories", HOOK), ("policy", POLICY)])
def test_a_suite(tmp_path: Path, way: str, plugin: str) -> None:
    (tmp_path / "conftest.py").write_text(plugin)
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    status, out, err = run_python("-X", "dev", "-m", "pytest", "-v", "-p", "no:anyio", "test_suite.py", cwd=tmp_path)
    assert status == 1 and "1 failed, 5 passed" in out, out + err
    assert "assert 42 == 41" in out
    assert "never awaited" not in out and "unclosed" not in out, out
