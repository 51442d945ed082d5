"""Source files in which `async` is a name: `asyncio.async(...)` is read as `asyncio.async_(...)`, and nothing else is."""

from __future__ import annotations

import importlib
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.legacy.source import compile_source, install_hook, uninstall_hook
from tests.support.paths import ROOT



class Asyncio:
    """Stands in for asyncio in the compiled code."""

    @staticmethod
    def async_(argument: object) -> object:
        return "async_", argument


def value(source: str | bytes, name: str = "x") -> object:
    """What `name` is after the source has run."""
    names: dict[str, object] = {"asyncio": Asyncio}
    exec(compile_source(source if isinstance(source, bytes) else source.encode(), "old.py"), names)
    return names[name]


@pytest.mark.parametrize("source", [
    "x = asyncio.async(1)",
    "x = asyncio . async(1)",
    "x = asyncio.\\\n  async(1)",
    "x = [asyncio.async(0), asyncio.async(1)][1]",
    "x = (asyncio.async)(1)",
    "def f():\n\treturn asyncio.async(1)\nx = f()",
    "y = 'ä'; x = asyncio.async(1)",
    "if False:\n    asyncio.async(2)\nx = asyncio.async(1)",
    "x = asyncio.async(1)\r\ny = asyncio.async(2)\r\n",
    "\ufeffx = asyncio.async(1)",
    "# -*- coding: utf-8 -*-\nx = asyncio.async(1)",
])
def test_the_phrase_is_read_as_the_function(source: str) -> None:
    assert value(source) == ("async_", 1)


def test_the_declared_encoding_is_respected() -> None:
    source = "# coding: latin-1\ny = 'é'\nx = asyncio.async(y)\n".encode("latin-1")
    assert value(source) == ("async_", "é")


def test_strings_and_comments_are_left_alone() -> None:
    source = 'x = asyncio.async("asyncio.async")  # asyncio.async\ny = """\nasyncio.async(1)\n"""\n'
    assert value(source) == ("async_", "asyncio.async")
    assert value(source, "y") == "\nasyncio.async(1)\n"


def test_a_file_that_compiles_is_left_alone() -> None:
    assert value("x = 'asyncio.async'\nasync def f(): pass\n") == "asyncio.async"


def test_other_uses_of_the_word_are_not() -> None:
    """A file that says `async` to something else is not from before 3.7 alone: it has its own meaning for it."""
    with pytest.raises(SyntaxError):
        compile_source(b"x = other.async(1)\n", "old.py")


def test_line_numbers_stay() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        value("x = 1\nasyncio.async(\n  1)\n\nx = asyncio.async(1 / 0)\n")
    innermost = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (innermost.filename, innermost.lineno) == ("old.py", 5)


@pytest.mark.parametrize("source", [b"x = = 1\n", b"x = asyncio.async(1)\ny = = 2\n", b"x = asyncio.async(1\n",
                                    b"  x = asyncio.async(1)\n", b"x = '''asyncio.async(1)\n"])
def test_the_error_of_a_broken_file_is_its_own(source: bytes) -> None:
    """To the word the one that it has without us."""
    with pytest.raises(SyntaxError) as expected:
        compile(source, "old.py", "exec", dont_inherit=True)
    with pytest.raises(SyntaxError) as caught:
        compile_source(source, "old.py")
    assert type(caught.value) is type(expected.value)
    assert (caught.value.args, caught.value.filename) == (expected.value.args, "old.py")


def test_a_file_in_a_wrong_encoding_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        compile_source(b"import asyncio\na = 1\nb = '\xff'\nasyncio.async(f())\n", "old.py")


def test_our_own_future_imports_do_not_leak() -> None:
    """This file has `from __future__ import annotations`, the compiled one has not."""
    source = "def f(a: 1 + 1): pass\nx = f.__annotations__['a']\ny = asyncio.async(1)"
    assert value(source) == 2


# The import hook


@pytest.fixture
def hook() -> Iterator[None]:
    install_hook()
    yield
    uninstall_hook()


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.mark.usefixtures("hook")
def test_imported_modules_are_read_so(directory: Path) -> None:
    (directory / "old_module_a.py").write_text("def f(asyncio):\n    return asyncio.async(1)\n")
    module = importlib.import_module("old_module_a")
    assert module.f(Asyncio) == ("async_", 1)
    assert module.__file__ == str(directory / "old_module_a.py")


@pytest.mark.usefixtures("hook")
def test_packages_and_their_modules_are(directory: Path) -> None:
    (directory / "old_package").mkdir()
    (directory / "old_package" / "__init__.py").write_text("from .inner import f\n")
    (directory / "old_package" / "inner.py").write_text("def f(asyncio):\n    return asyncio.async(1)\n")
    module = importlib.import_module("old_package")
    assert module.f(Asyncio) == ("async_", 1)


@pytest.mark.usefixtures("hook")
def test_a_broken_module_raises_its_own_error(directory: Path) -> None:
    (directory / "old_module_b.py").write_text("asyncio.async(1)\nx = = 2\n")
    with pytest.raises(SyntaxError) as caught:
        importlib.import_module("old_module_b")
    assert (caught.value.filename, caught.value.lineno) == (str(directory / "old_module_b.py"), 1)


def test_without_the_hook_they_are_not(directory: Path) -> None:
    (directory / "old_module_c.py").write_text("asyncio.async(1)\n")
    with pytest.raises(SyntaxError):
        importlib.import_module("old_module_c")


def test_the_hook_comes_and_goes_once() -> None:
    before = list(sys.path_hooks)
    install_hook()
    install_hook()
    assert len(sys.path_hooks) == len(before) + 1
    uninstall_hook()
    uninstall_hook()
    assert sys.path_hooks == before


def test_the_bytecode_of_a_rewritten_module_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "old_module_d.py").write_text("def f(asyncio):\n    return asyncio.async(1)\n")

    def status(prelude: str) -> int:
        program = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(tmp_path)!r}]\n{prelude}import old_module_d"
        environment = {"PATH": "/usr/bin:/bin"}  # without a PYTHONDONTWRITEBYTECODE
        return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, timeout=30).returncode

    assert status("") == 1
    assert status("from compat.legacy.source import install_hook; install_hook()\n") == 0
    assert status("") == 1
