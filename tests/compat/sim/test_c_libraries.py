"""Libraries in C that open sockets without Python are refused in a simulated run, whenever they are imported."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import compat
from kernel.sim.refusals import Unsimulated

MODULE = "grpc._cython.cygrpc"
REFUSED = (r"refuses grpc\.AioChannel\(\) at .*test_c_libraries.py:\d+ in use: a library in C does not see the network "
           "of the run; give the program a stand-in for the call, or leave the program out")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Something that looks like grpc's core, and is not imported."""
    (tmp_path / "grpc" / "_cython").mkdir(parents=True)
    for folder in "grpc", "grpc/_cython":
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "grpc/_cython/cygrpc.py").write_text("AioServer = Channel = Server = AioChannel = lambda: 'made'\n")
    monkeypatch.syspath_prepend(tmp_path)
    real = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "grpc"}
    for name in real:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "grpc"]:
        del sys.modules[name]
    sys.modules.update(real)


async def use() -> None:
    import_module(MODULE).AioChannel()


@pytest.mark.usefixtures("library")
def test_it_is_refused_when_the_run_imports_it() -> None:
    finders = list(sys.meta_path)
    for _ in range(2):
        with pytest.raises(Unsimulated, match=REFUSED):
            compat.simulate(use)
    assert sys.meta_path == finders
    assert import_module(MODULE).AioChannel() == "made"


@pytest.mark.usefixtures("library")
def test_it_is_refused_when_it_is_there_already() -> None:
    module = import_module(MODULE)
    real = module.AioChannel
    with pytest.raises(Unsimulated, match=REFUSED):
        compat.simulate(use)
    assert module.AioChannel is real


@pytest.mark.usefixtures("library")
def test_a_refusal_that_the_program_catches_fails_the_run() -> None:
    async def main() -> None:
        try:
            await use()
        except RuntimeError:
            await asyncio.sleep(1)

    report = compat.explore(main, runs=1)
    assert [failure.kind for failure in report.failures] == ["unsimulated"]
