"""Each file of compat imports only files that stand below it, and what asyncio has dropped is above all of the loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support.paths import ROOT

# Those that put the dropped names in front of a program. The rest of compat does without them.
DOORS = {"compat.names", "compat.installing", "compat.__main__"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(path): path for path in (ROOT / "compat").rglob("*.py")}


def imports(module: str) -> Iterator[str]:
    """The modules of compat that a module of it imports, wherever in the file it does so."""
    path = FILES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[:package.count(".") + 2 - node.level]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name in FILES)


def test_no_file_imports_one_that_imports_it() -> None:
    graph = {module: set(imports(module)) - {"compat"} for module in FILES}  # which whatever is in it stands on
    assert graph["compat.events"] >= {"compat.tasks", "compat.futures", "compat.handles"}
    assert graph["compat.legacy.functions"] >= {"compat.generators", "compat.legacy.arguments"}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) == set(FILES)


def test_the_rest_does_without_what_asyncio_has_dropped() -> None:
    for module in FILES:
        if module not in DOORS and not module.startswith("compat.legacy"):
            assert not [name for name in imports(module) if name.startswith("compat.legacy")], module


def test_no_module_asks_the_package_for_another() -> None:
    """`from . import tasks` would look for a name in `compat/__init__.py`, and so load all of the names."""
    for module, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module is None:
                assert module.count(".") + (path.name == "__init__.py") > node.level, module
