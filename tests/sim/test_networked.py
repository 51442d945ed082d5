"""The programs with connections that `benchmarks.explore --network` gives to explorers: each bug is found, and no other."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

import compat
from benchmarks.networked import CONTROL, PROGRAMS
from tests.sim.servers.serving import serving


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != CONTROL])
def test_the_bug_is_found(name: str) -> None:
    main = partial(PROGRAMS[name], False)
    compat.simulate(main)  # the quiet schedule does not show it
    report = compat.explore(main, runs=200, seed=0)
    assert isinstance(report.failures[0].error, AssertionError), report


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_found_in_the_mended_program(name: str) -> None:
    assert compat.explore(partial(PROGRAMS[name], True), runs=60, seed=1)


def test_a_server_ends_also_when_a_connection_comes_at_its_end() -> None:
    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with serving(read) as port:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()

    assert compat.explore(main, runs=60, seed=0)
