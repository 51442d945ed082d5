"""`python -m compat PROGRAM` makes the module `__main__` as plain `python PROGRAM` does, whatever the path."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, run_python

each_way = pytest.mark.parametrize("options", [["-m", "compat"], ["-m", "compat", "--legacy"]], ids=["", "legacy"])


def outcome(directory: Path, program: str, options: list[str], path: str = "program.py") -> Outcome:
    """The outcome of a program that is run from `directory`."""
    (directory / "program.py").write_text(textwrap.dedent(program))
    return run_python(*options, path, cwd=directory)


@each_way
def test_its_attributes_are_those_of_a_script(tmp_path: Path, options: list[str]) -> None:
    program = """
        seen = {name: value for name, value in globals().items() if name.startswith("__")}
        print(sorted(name for name in seen if name not in ("__annotations__", "__conditional_annotations__")))
        print(__name__, __doc__, __file__, __spec__, __package__)
        print(type(__loader__).__name__, __loader__.name, __loader__.path, __builtins__)
        print((lambda: 0).__code__.co_filename)
        """
    expected = outcome(tmp_path, program, [])
    assert expected[2] == "" and str(tmp_path / "program.py") in expected[1]
    assert outcome(tmp_path, program, options) == expected


@each_way
def test_its_source_is_found_from_another_directory(tmp_path: Path, options: list[str]) -> None:
    program = """
        import inspect, os, sys
        def function():
            return "the source"
        os.chdir("/")
        print(inspect.getsource(function), inspect.getsource(sys.modules["__main__"])[:30])
        print(__loader__.get_source("__main__") == inspect.getsource(sys.modules["__main__"]))
        """
    expected = outcome(tmp_path, program, [])
    assert expected[2] == "" and expected[1].endswith("True\n")
    assert outcome(tmp_path, program, options) == expected


@each_way
@pytest.mark.parametrize("path", ["program.py", "./program.py", "link.py"])
def test_a_traceback_has_the_whole_path_and_the_line(tmp_path: Path, options: list[str], path: str) -> None:
    program = """
        import os
        os.chdir("/")
        raise LookupError("gone")
        """
    (tmp_path / "link.py").symlink_to(tmp_path / "program.py")
    status, _, shown = outcome(tmp_path, program, [], path)
    status_here, _, shown_here = outcome(tmp_path, program, options, path)
    assert (status, status_here) == (1, 1)
    last = [line for line in shown.splitlines() if line.startswith("  File ")][-1]
    assert str(tmp_path) in last
    assert shown_here[shown_here.index(last):] == shown[shown.index(last):]


@each_way
def test_a_syntax_error_has_the_whole_path(tmp_path: Path, options: list[str]) -> None:
    expected = outcome(tmp_path, "x = = 1\n", [])[2]
    assert expected.startswith(f'  File "{tmp_path / "program.py"}", line 1\n')
    assert outcome(tmp_path, "x = = 1\n", options)[2].endswith(expected)
