"""The console command in a directory with a `kernel.py` and a `compat.py` of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.offered import WAITING, WAITING_ON_ASYNCIO, Place
from tests.support.offered import COMMAND
from tests.support.paths import ROOT


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """With such files, and others named after modules that we import late."""
    for name in "kernel", "compat", "json", "getopt", "select", "socket", "queue":
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('the wrong {name}')\n")
    (tmp_path / "native.py").write_text(WAITING)
    (tmp_path / "on_asyncio.py").write_text(WAITING_ON_ASYNCIO)
    return tmp_path


@pytest.mark.parametrize("inside", [True, False], ids=["in the directory", "from elsewhere"])
@pytest.mark.parametrize("command", ["run", "asyncio"])
def test_they_do_not_confuse_the_command(place: Place, directory: Path, command: str, inside: bool) -> None:
    program = directory / ("native.py" if command == "run" else "on_asyncio.py")
    cwd = directory if inside else ROOT
    if command == "asyncio":
        for name in "json", "getopt", "select", "socket", "queue":
            (directory / f"{name}.py").unlink()  # asyncio itself imports some of these late
    with place.started(COMMAND, command, program.name if inside else program, cwd=cwd) as process:
        for look in "ps", "tree", "stack", "dump":
            status, out, err = place.command(look, process.pid, cwd=cwd)
            assert (status, err) == (0, "") and "child-1" in out
        status, out, err = place.command("ps", cwd=cwd)
        assert (status, err) == (0, "") and str(process.pid) in out
        process.terminate()
        assert process.stderr is not None
        said = process.stderr.read()
    if command == "run":
        assert said == ""
    else:  # a program cannot have modules of these names, and is told
        assert said.splitlines() == [
            f"trampoline asyncio: {directory / name}.py cannot be imported by the program: 'import {name}' gives it the "
            f"package {ROOT / name}, which runs it; rename the former" for name in ("compat", "kernel")]
