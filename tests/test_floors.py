"""The floors of the house: what may import what.

docs/design.md shows them in a picture. A folder is a floor; the files of a package itself, without those of its
folders, are one too. Imports that only annotations need (`if TYPE_CHECKING:`) do not count, but have to be few.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# From the ground up: a floor imports from itself and from those before it.
FLOORS = ["kernel/devices", "kernel", "kernel/sync", "kernel/workers", "kernel/net", "kernel/host", "kernel/insight",
          "kernel/snapshots", "kernel/serving", "kernel/recordings", "kernel/sim/network", "kernel/sim",
          "kernel/shell", "compat",
          "compat/legacy", "doors"]

# Files that name what all floors offer, or let programs in: each may import every floor.
DOORS = {"kernel/__init__.py", "kernel/__main__.py", "compat/__init__.py", "compat/__main__.py",
         "compat/exploring.py", "compat/installing.py", "compat/plugin/__init__.py", "compat/plugin/exploring.py",
         "compat/plugin/progress.py", "compat/plugin/recording.py", "compat/plugin/session.py", "kernel/insight/__init__.py",
         "kernel/sim/__init__.py", "kernel/shell/command.py", "kernel/shell/programs.py", "compat/console/__init__.py"}

MICRO_KERNEL = {"calls", "checks", "core", "deadlock", "failures", "lifecycle", "syscalls", "task", "timers", "waitable"}
# Names of asyncio's for a task of its own, which its code uses everywhere.
ASYNCIO_S = {"task._cancel_message", "task._log_destroy_pending", "task._loop", "task._make_cancelled_error",
             "task._source_traceback"}
MOST_ANNOTATION_IMPORTS = 17  # files that import something for annotations only


class File:
    """A source file and what it imports of this project."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(ROOT).as_posix()
        self.source = path.read_text()
        self.lines = self.source.splitlines()
        self.package = list(path.relative_to(ROOT).parent.parts)
        self.at_run_time: list[tuple[str, ast.stmt]] = []  # file, and the import statement
        self.for_annotations: list[str] = []
        self.in_functions: list[ast.stmt] = []
        self._visit(ast.parse(self.source).body, False, False)

    def _visit(self, statements: list[ast.stmt], typing: bool, function: bool) -> None:
        for statement in statements:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                if function:
                    self.in_functions.append(statement)
                for name in self._targets(statement):
                    if typing:
                        self.for_annotations.append(name)
                    else:
                        self.at_run_time.append((name, statement))
            inside = function or isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
            only_typing = typing or isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
            for field in "body", "orelse", "finalbody":
                self._visit(getattr(statement, field, []), only_typing and field == "body" or typing, inside)
            for block in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
                self._visit(block.body, typing, inside)

    def _targets(self, statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
        """The files of this project that the statement imports."""
        if isinstance(statement, ast.Import):
            names = [alias.name.split(".") for alias in statement.names]
        else:
            base = self.package[:len(self.package) - statement.level + 1] if statement.level else []
            module = [*base, *(statement.module.split(".") if statement.module else [])]
            # `from .package import module` imports the module as well.
            names = [[*module, alias.name] if found([*module, alias.name]) else module for alias in statement.names]
        for parts in names:
            if (file := found(parts)) is not None:
                yield file

    @property
    def floor(self) -> str:
        return "doors" if self.path in DOORS else "/".join(self.package)


def found(parts: list[str]) -> str | None:
    """The path of the module called so, if it is one of this project's."""
    if not parts or parts[0] not in ("kernel", "compat"):
        return None
    for path in "/".join(parts) + ".py", "/".join(parts) + "/__init__.py":
        if (ROOT / path).exists():
            return path
    return None


FILES = {file.path: file for file in map(File, sorted([*ROOT.glob("kernel/**/*.py"), *ROOT.glob("compat/**/*.py")]))}
every_file = pytest.mark.parametrize("file", FILES.values(), ids=list(FILES))


def test_the_micro_kernel_is_ten_files_of_under_2000_lines() -> None:
    assert {Path(path).stem for path in FILES if path not in DOORS and Path(path).parent.name == "kernel"} == MICRO_KERNEL
    lines = sum(len(FILES[f"kernel/{name}.py"].lines) for name in MICRO_KERNEL)
    doors = sum(len(FILES[path].lines) for path in DOORS if FILES[path].package == ["kernel"])
    assert lines + doors < 2000


@every_file
def test_a_file_opens_with_its_idea(file: File) -> None:
    assert ast.get_docstring(ast.parse(file.source))


@every_file
def test_no_file_imports_a_floor_above_its_own(file: File) -> None:
    assert file.floor in FLOORS, "a new folder needs a floor: write it into FLOORS, and into docs/floors.svg"
    for imported, statement in file.at_run_time:
        # The front door of a package is loaded with every module of it, and needs no statement.
        floor = FILES[imported].floor
        assert FLOORS.index(floor) <= FLOORS.index(file.floor), f"line {statement.lineno} imports {imported}"


def test_no_files_import_each_other_in_a_circle() -> None:
    done: set[str] = set()

    def visit(path: str, way: list[str]) -> None:
        assert path not in way, f"a circle: {' -> '.join([*way[way.index(path):], path])}"
        if path not in done:
            for imported, _ in FILES[path].at_run_time:
                visit(imported, [*way, path])
            done.add(path)

    for path in FILES:
        visit(path, [])


@every_file
def test_an_import_in_a_function_says_what_it_is_good_for(file: File) -> None:
    for statement in file.in_functions:
        before = file.lines[statement.lineno - 2]
        ours = re.search(r"#|^\s*(from|import) ", before) or "#" in file.lines[statement.lineno - 1]
        assert ours, f"line {statement.lineno}: import it at the top, or say in a comment how that saves start-up time"


def test_imports_for_annotations_only_are_few() -> None:
    # A door names for type checkers what it loads later.
    files = sorted(path for path, file in FILES.items() if file.for_annotations and path not in DOORS)
    assert len(files) <= MOST_ANNOTATION_IMPORTS


@every_file
def test_what_stands_on_the_micro_kernel_uses_only_what_is_public(file: File) -> None:
    if file.package == ["kernel"]:
        return
    private = re.findall(r"\b(?:kernel|task|_kernel|_task|timers|poller|waitable|calls)\._[a-z]\w*", file.source)
    assert {name for name in private if name not in ASYNCIO_S} == set()
    imported = {alias.name for _, statement in file.at_run_time if isinstance(statement, ast.ImportFrom)
                for alias in statement.names if alias.name.startswith("_")}
    assert file.path in DOORS or imported == set()


def test_the_search_sees_every_kind_of_import() -> None:
    path = ROOT / "kernel" / "net" / "streams.py"
    file = File(path)
    assert "kernel/net/endpoints.py" in [name for name, _ in file.at_run_time]
    for text, expected in (("from ..task import Task", ["kernel/task.py"]), ("from .. import task", ["kernel/task.py"]),
                           ("import kernel.task", ["kernel/task.py"]), ("from . import tls", ["kernel/net/tls.py"]),
                           ("from kernel.sync.locks import Lock", ["kernel/sync/locks.py"]), ("import os", [])):
        file.at_run_time = []
        file._visit(ast.parse(f"def f():\n    try:\n        pass\n    except E:\n        {text}").body, False, False)
        assert [name for name, _ in file.at_run_time] == expected, text
