"""Importing compat: any module of it first, from many threads, in one process and in another."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                 for path in (ROOT / "compat").rglob("*.py"))
NEW = {"compat.graph": (3, 14)}  # modules that only newer versions of Python load


def outcome(program: str, directory: Path = ROOT) -> str:
    """What a program prints that ends well and has nothing to complain of."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=directory, capture_output=True, text=True,
                          timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("first", [
    "compat.run", "compat.install", "compat.__all__", "dir(compat)", "compat.legacy", "compat.tasks.Task",
    "compat.streams", "getattr(compat, 'async')", "hasattr(compat, 'Queue')", "exec('from compat import *')",
    "exec('from compat import run')", "exec('from compat import events')", "importlib.import_module('compat.futures')"])
def test_whatever_is_used_first(first: str) -> None:
    """After it every name is there, as a plain attribute."""
    program = f"""
        import compat, importlib, sys
        {first}
        assert not [name for name in compat.__all__ if not hasattr(compat, name)]
        assert set(compat.__all__) <= set(vars(compat)) & set(dir(compat))
        assert compat.Task is compat.tasks.Task and compat.Future is compat.futures.Future
        assert getattr(compat, "async") is compat.async_ is compat.legacy.async_
        assert compat.transports is sys.modules["compat.transports"] and compat.EventLoop.__module__ == "compat.events"
        assert callable(compat.install)
        async def main():
            await compat.sleep(0)
            return type(compat.current_task()), type(compat.get_running_loop())
        print(compat.run(main()) == (compat.Task, compat.EventLoop))
        """
    assert outcome(program) == "True\n"


@pytest.mark.parametrize("module", MODULES)
def test_each_module_can_be_imported_first(module: str) -> None:
    if sys.version_info < NEW.get(module, ()):
        pytest.skip("of a newer Python")
    assert outcome(f"import {module}, compat\nprint(compat.EventLoop.__name__)") == "EventLoop\n"


def test_a_name_that_there_is_not() -> None:
    program = """
        import compat
        for _ in range(2):
            try:
                compat.nonsense
            except AttributeError as error:
                print(error)
            try:
                from compat import nonsense
            except ImportError as error:
                print(error.name)
        """
    assert outcome(program) == "module 'compat' has no attribute 'nonsense'\ncompat\n" * 2


def test_a_name_that_is_patched_before_its_first_use() -> None:
    """By `mock.patch`, which puts back what it found, and by assignment."""
    program = """
        import compat
        from unittest import mock
        with mock.patch("compat.sleep") as patched:
            assert compat.sleep is patched
        assert compat.sleep is compat.legacy.sleep
        with mock.patch.object(compat, "run", 1):
            assert compat.run == 1
        print(compat.run is compat.runners.run)
        """
    assert outcome(program) == "True\n"
    assert outcome("import compat\ncompat.run = 1\ncompat.sleep\nprint(compat.run)") == "1\n"


def test_what_is_pickled_by_name_is_the_same_in_another_process() -> None:
    pickled = outcome("import compat, pickle\nprint(pickle.dumps([compat.EventLoop, compat.Task, compat.run, compat.Lock, "
                      "compat.install, compat.new_event_loop, compat.coroutine]))")
    program = f"""
        import pickle
        found = pickle.loads({pickled.strip()})
        import compat
        print(found == [compat.EventLoop, compat.Task, compat.run, compat.Lock, compat.install, compat.new_event_loop,
                        compat.coroutine])
        """
    assert outcome(program) == "True\n"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="a future has to be given a loop since then")
def test_futures_alone_are_of_a_loop_of_ours() -> None:
    program = """
        import warnings
        warnings.simplefilter("ignore")
        from compat.futures import Future
        print(type(Future().get_loop()).__module__)
        """
    assert outcome(program) == "compat.events\n"
