"""A user's own `kernel.py` or `compat.py`: what it hides, or what hides it, is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PROGRAM = "import asyncio\nasync def main():\n    print('ran')\nasyncio.run(main())\n"


def outcome(directory: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of Python, run in `directory`."""
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=directory, capture_output=True, text=True,
                          timeout=30, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.mark.parametrize("arguments", [["-m", "compat", "program.py"], ["uses.py"]], ids=["-m compat", "import compat"])
def test_a_kernel_py_that_hides_the_package_is_named_and_not_run(directory: Path, arguments: list[str]) -> None:
    (directory / "kernel.py").write_text("print('the wrong kernel')\n")
    (directory / "uses.py").write_text("import compat\n")
    status, out, err = outcome(directory, *arguments)
    assert (status, out) == (1, "")
    assert f"'import kernel' finds {directory / 'kernel.py'}, and not the package {ROOT / 'kernel'}" in err
    assert "rename that file" in err


def test_the_remedy_helps(directory: Path) -> None:
    (directory / "kernel.py").write_text("print('the wrong kernel')\n")
    assert outcome(directory, "-P", "-m", "compat", "program.py") == (0, "ran\n", "")
    (directory / "kernel.py").rename(directory / "core_of_mine.py")
    assert outcome(directory, "-m", "compat", "program.py") == (0, "ran\n", "")


def test_a_kernel_py_that_has_been_imported_already(directory: Path) -> None:
    (directory / "kernel.py").write_text("")
    (directory / "uses.py").write_text("import kernel\nimport compat\n")
    status, _, err = outcome(directory, "uses.py")
    assert status == 1 and f"ImportError: 'import kernel' finds {directory / 'kernel.py'}" in err


@pytest.mark.parametrize("name", ["kernel", "compat"])
@pytest.mark.parametrize("layout", ["{}.py", "{}/__init__.py"], ids=["module", "package"])
@pytest.mark.parametrize("program", ["program.py", "__main__.py"], ids=["file", "directory"])
def test_a_file_that_the_program_cannot_import_is_named(directory: Path, tmp_path_factory: pytest.TempPathFactory,
                                                        name: str, layout: str, program: str) -> None:
    path = directory / layout.format(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (directory / "program.py").rename(directory / program)
    status, out, err = outcome(elsewhere, "-m", "compat", directory / program if program == "program.py" else directory)
    assert (status, out) == (0, "ran\n")
    shown = path if layout == "{}.py" else path.parent
    assert err == (f"python -m compat: {shown} cannot be imported by the program: 'import {name}' gives it the package "
                   f"{ROOT / name}, which runs it; rename the former\n")


@pytest.mark.parametrize("name", ["kernel.py", "compat.py"])
def test_a_program_of_that_name_just_runs(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    (tmp_path / name).write_text(PROGRAM)
    assert outcome(tmp_path_factory.mktemp("elsewhere"), "-m", "compat", tmp_path / name) == (0, "ran\n", "")


@pytest.mark.parametrize("name", ["kernel", "compat"])
def test_nothing_is_said_of_a_file_that_is_no_module(directory: Path, name: str) -> None:
    (directory / name).write_text("no Python\n")
    (directory / f"{name}.py").mkdir()
    assert outcome(directory.parent, "-m", "compat", directory / "program.py") == (0, "ran\n", "")


def test_nothing_is_said_of_our_own_packages(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    for name in "kernel", "compat":
        (tmp_path / name).symlink_to(ROOT / name)
    assert outcome(tmp_path, "-m", "compat", "program.py") == (0, "ran\n", "")
