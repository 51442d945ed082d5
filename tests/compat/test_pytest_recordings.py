"""`pytest --record-dir DIRECTORY`: recordings of the tests that fail."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from kernel.recordings.reading import read
from tests.support.paths import ROOT
from tests.support.recordings import events_of

SUITE = """
    import asyncio, kernel, pytest

    async def native():
        await kernel.sleep(0.001)

    async def on_asyncio():
        await asyncio.sleep(0.001)
        raise ValueError

    def test_that_passes():
        kernel.run(native())

    @pytest.mark.parametrize("text", ["<a/b>"])
    def test_that_fails(text):
        kernel.run(native())
        kernel.run(native())
        assert False

    def test_on_asyncio():
        asyncio.run(on_asyncio())

    @pytest.fixture
    def broken():
        kernel.run(native())
        raise KeyError

    def test_whose_fixture_fails(broken):
        pass
    """


def session(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_suite.py").write_text(textwrap.dedent(SUITE))
    return subprocess.run([sys.executable, "-m", "pytest", "-p", "compat.plugin", "-p", "no:cacheprovider", *options],
                          cwd=directory, capture_output=True, text=True, timeout=50,
                          env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"})


def test_there_is_one_for_each_test_that_fails(tmp_path: Path) -> None:
    done = session(tmp_path, "--compat-loop", "--record-dir", "out/here")
    assert done.returncode == 1 and "2 failed, 1 passed, 1 error" in done.stdout
    files = {path.name: read(path) for path in (tmp_path / "out" / "here").iterdir()}
    assert sorted(files) == ["test_suite.py-test_on_asyncio.rec", "test_suite.py-test_that_fails[-a-b-].rec",
                             "test_suite.py-test_whose_fixture_fails.rec"]
    assert [recording.damage for recording in files.values()] == [None] * 3
    assert len(files["test_suite.py-test_that_fails[-a-b-].rec"].kernels) == 2
    assert [kernel["kind"] for kernel in files["test_suite.py-test_on_asyncio.rec"].kernels.values()] == ["asyncio"]
    assert ("resume", 1) in events_of(files["test_suite.py-test_whose_fixture_fails.rec"])
    assert f"trampoline movie {tmp_path}/out/here/test_suite.py-test_on_asyncio.rec\n" in done.stdout


def test_without_the_option_there_is_none(tmp_path: Path) -> None:
    assert session(tmp_path).returncode == 1
    assert not list(tmp_path.glob("**/*.rec"))


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = session(tmp_path, "--record-dir", "file/here")
    assert done.returncode == 4 and "--record-dir: cannot make file/here: Not a directory" in done.stderr
