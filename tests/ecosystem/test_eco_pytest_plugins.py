"""`pytest --compat-loop` together with the plugins by which suites have their coroutines run, and with pytest-xdist.

Each small suite is run with the option and without it, and asserts which loop it is on.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.support.interpreters import run_python

pytestmark = pytest.mark.library("pytest", "the option --compat-loop, with plugins that make loops")

ASYNCIO = """
    import asyncio, pytest
    from common import kind, EXPECTED

    @pytest.fixture
    async def before():
        yield await kind()

    @pytest.mark.parametrize("number", range(3))
    async def test_function(number, before):
        assert [before, await kind()] == [EXPECTED] * 2

    @pytest.mark.asyncio(loop_scope="module")
    async def test_module():
        assert await kind() == EXPECTED
"""
ANYIO = """
    import pytest
    from common import kind, EXPECTED

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=[("asyncio", {}), ("asyncio", {"debug": True})], ids=["plain", "debug"])
    def anyio_backend(request):
        return request.param

    @pytest.fixture
    async def before():
        yield await kind()

    async def test_function(before):
        assert [before, await kind()] == [EXPECTED] * 2
"""
AIOHTTP = """
    from aiohttp import web
    from common import kind, EXPECTED

    pytest_plugins = ["aiohttp.pytest_plugin"]

    async def answer(request):
        return web.Response(text=await kind())

    async def test_client(aiohttp_client):
        app = web.Application()
        app.router.add_get("/", answer)
        client = await aiohttp_client(app)
        response = await client.get("/")
        assert [await response.text(), await kind()] == [EXPECTED] * 2
"""
COMMON = """
    import asyncio, os

    EXPECTED = os.environ["EXPECTED"]

    async def kind():
        await asyncio.sleep(0)
        return type(asyncio.get_running_loop()).__module__
"""
PLUGINS = {
    "pytest-asyncio": (ASYNCIO, ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"], 4),
    "anyio": (ANYIO, ["-p", "no:asyncio"], 2),
    "aiohttp": (AIOHTTP, ["-p", "no:asyncio"], 1),
    "pytest-xdist": (ASYNCIO, ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function",
                               "-n", "2"], 4),
}


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("ours", [True, False], ids=["compat", "asyncio"])
def test_the_plugins_loops(tmp_path: Path, plugin: str, ours: bool) -> None:
    suite, options, tests = PLUGINS[plugin]
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "common.py").write_text(textwrap.dedent(COMMON))
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(suite))
    options = [*options, *(["--compat-loop"] if ours else [])]
    expected = "compat.events" if ours else "asyncio.unix_events"
    status, out, err = run_python("-m", "pytest", "-p", "no:cacheprovider", *options, cwd=tmp_path,
                                  environment={"EXPECTED": expected})
    assert status == 0, out + err
    assert f"{tests} passed" in out
    counted = [line for line in out.splitlines() if "event loops were made" in line]
    if ours:
        assert "compat loop: every event loop is compat.EventLoop" in out
        [line] = counted
        made, of_ours = (int(word) for word in line.split() if word.isdigit())
        assert made == of_ours > 0
    else:
        assert not counted


@pytest.mark.parametrize("plugin", ["pytest-asyncio", "anyio"])
def test_the_plugins_tests_are_explored(tmp_path: Path, plugin: str) -> None:
    suite, options, tests = PLUGINS[plugin]
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "common.py").write_text(textwrap.dedent(COMMON))
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(suite))
    status, out, err = run_python("-m", "pytest", "-p", "no:cacheprovider", *options, "--compat-loop", "--explore", "20",
                                  cwd=tmp_path, environment={"EXPECTED": "compat.simulation"})
    assert status == 0, out + err
    assert f"{tests} passed" in out
    assert f"explored: {tests} tests, {tests * 20} runs" in out
