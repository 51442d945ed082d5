"""The kernel knows nothing of asyncio, nor of the layer that stands on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import kernel
from tests.support.interpreters import run_python

PACKAGE = Path(kernel.__file__).parent
FORBIDDEN = {"asyncio", "compat"}

# The tool's view on the whole screen is an application of Textual, which loads asyncio itself.
TEXTUAL = "kernel.shell.screen", "kernel.shell.task_table"
PROGRAM = f"""
import importlib, pkgutil, sys
import kernel
for module in pkgutil.walk_packages(kernel.__path__, "kernel."):
    if not module.name.endswith("__main__") and module.name not in {TEXTUAL}:
        importlib.import_module(module.name)
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(loaded & {{"asyncio", "compat", "_asyncio", "kernel"}}))
"""


def test_importing_every_module_of_the_kernel_loads_neither_asyncio_nor_compat() -> None:
    assert run_python("-c", PROGRAM) == (0, "['kernel']\n", "")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """What the import statements of a module name, and the calls that import by a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            # `from .. import compat` climbs out of the package.
            yield from (alias.name for alias in node.names if node.level != 1)
        elif isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in ("import_module", "__import__"):
                yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def test_no_file_of_the_kernel_imports_asyncio_or_compat() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert {"core.py", "task.py", "syscalls.py"} <= {file.name for file in files}
    for file in files:
        names = {name.partition(".")[0] for name in imported_names(ast.parse(file.read_text()))}
        assert not names & FORBIDDEN, file


def test_the_search_finds_every_way_to_import() -> None:
    for source in ("import asyncio", "import asyncio.events as e", "from asyncio import run", "import os, compat",
                   "def f():\n    from compat.loop import x", "from .. import compat",
                   "import importlib; importlib.import_module('asyncio')", "__import__('compat')"):
        assert {name.partition(".")[0] for name in imported_names(ast.parse(source))} & FORBIDDEN, source
