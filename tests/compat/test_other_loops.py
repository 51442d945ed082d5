"""Loops of other makes where compat is installed, with a stand-in for uvloop: tests/ecosystem has the real one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, run_python
from tests.support.paths import ROOT

COMPAT = ("-m", "compat")

UVLOOP = """
import asyncio
from asyncio.selector_events import BaseSelectorEventLoop as _Base

class Loop(_Base):
    pass

def new_event_loop():
    return Loop()

def run(main, *, loop_factory=new_event_loop):
    async def checked():
        assert isinstance(asyncio.get_running_loop(), Loop)
        return await main
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(checked())
"""
PRELUDE = """
import asyncio, sys

async def kind():
    return type(asyncio.get_running_loop()).__module__
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "uvloop").mkdir()
    (tmp_path / "uvloop" / "__init__.py").write_text(UVLOOP)
    return tmp_path


def outcome(directory: Path, program: str, *options: str, environment: Mapping[str, str] = {}) -> Outcome:
    """The outcome of a program in `directory`, run by Python with these options."""
    path = directory / "program.py"
    path.write_text(PRELUDE + textwrap.dedent(program))
    return run_python(*options, path, cwd=directory, environment=environment)


AUTO = """
try:
    import uvloop
except ImportError:
    factory = asyncio.SelectorEventLoop
else:
    factory = uvloop.new_event_loop
print(asyncio.Runner(loop_factory=factory).run(kind()))
"""


def test_a_program_that_prefers_uvloop_gets_our_loop(directory: Path) -> None:
    assert outcome(directory, AUTO) == (0, "uvloop\n", "")
    assert outcome(directory, AUTO, "-W", "error::RuntimeWarning", *COMPAT) == (0, "compat.events\n", "")


INSISTING = {"run": "uvloop.run(kind())", "the class": "uvloop.Loop().run_until_complete(kind())"}


@pytest.mark.parametrize("expression", INSISTING.values(), ids=INSISTING)
def test_a_program_that_insists_keeps_its_loop_and_is_told_so_once(directory: Path, expression: str) -> None:
    program = f"import uvloop\nprint({expression})\nprint({expression})\n"
    status, out, err = outcome(directory, program, *COMPAT)
    assert (status, out) == (0, "uvloop\nuvloop\n")
    assert err.count("RuntimeWarning") == 1
    assert err.startswith(f"{directory / 'program.py'}:7: RuntimeWarning: "
                          "this program runs on an event loop of uvloop's, and not on compat's")
    assert "use asyncio.run(main())" in err


def test_the_warning_can_be_made_an_error_and_be_silenced(directory: Path) -> None:
    program = "import uvloop\nprint(uvloop.run(kind()))\n"
    assert outcome(directory, program, "-W", "ignore::RuntimeWarning", *COMPAT) == (0, "uvloop\n", "")
    assert outcome(directory, program, "-W", "error::RuntimeWarning", *COMPAT)[:2] == (1, "")


@pytest.mark.parametrize("when", ["before", "after"])
def test_install_holds_for_a_uvloop_imported_before_and_after_and_uninstall_undoes_it(directory: Path,
                                                                                      when: str) -> None:
    imported = "import uvloop"
    program = f"""
        import compat, sys
        before = list(sys.meta_path)
        {imported if when == "before" else ""}
        compat.install()
        {imported}
        print(asyncio.Runner(loop_factory=uvloop.new_event_loop).run(kind()))
        compat.uninstall()
        print(asyncio.Runner(loop_factory=uvloop.new_event_loop).run(kind()))
        print(uvloop.run(kind()), "__init__" in vars(uvloop.Loop), sys.meta_path == before)
        compat.install()
        print(asyncio.Runner(loop_factory=uvloop.new_event_loop).run(kind()))
        """
    expected = "compat.events\nuvloop\nuvloop False True\ncompat.events\n"
    assert outcome(directory, program, "-W", "error::RuntimeWarning") == (0, expected, "")


def test_its_module_is_otherwise_what_it_was(directory: Path) -> None:
    program = """
        import inspect, uvloop
        print(uvloop.__file__, type(uvloop.__spec__.loader).__name__, inspect.getsource(uvloop.Loop).splitlines()[0])
        """
    assert outcome(directory, program, *COMPAT) == outcome(directory, program)


# Child processes

CHILDREN = """
import compat, concurrent.futures, multiprocessing

def work(unused):
    return asyncio.run(kind())

def grandchild(unused):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(work, [0])[0]

if __name__ == "__main__":
    for method in "spawn", "fork", "forkserver":
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.map(work, [0])[0])
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        print("executor", pool.submit(work, 0).result(), pool.submit(grandchild, 0).result())
"""


@pytest.mark.parametrize("options", [(), ("--legacy",)], ids=["", "legacy"])
def test_child_processes_have_our_loop(directory: Path, options: tuple[str, ...]) -> None:
    expected = [*(f"{method} compat.events" for method in ("spawn", "fork", "forkserver")),
                "executor compat.events compat.events"]
    status, out, err = outcome(directory, CHILDREN, *COMPAT, *options)
    assert (status, out.splitlines(), err) == (0, expected, "")


def test_children_of_a_program_that_has_compat_installed_and_uninstalled(directory: Path) -> None:
    program = """
        import compat, multiprocessing
        def work(unused):
            return asyncio.run(kind())
        def in_child():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.map(work, [0])[0]
        if __name__ == "__main__":
            compat.install()
            print(in_child())
            compat.uninstall()
            print(in_child())
        """
    assert outcome(directory, program) == (0, "compat.events\nasyncio.unix_events\n", "")


def test_children_can_do_what_legacy_gives_their_parent(directory: Path) -> None:
    program = """
        import multiprocessing
        @asyncio.coroutine
        def old():
            yield from asyncio.sleep(0)
            return "old"
        def work(unused):
            return asyncio.get_event_loop().run_until_complete(old())
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [0])[0])
        """
    assert outcome(directory, program, "-W", "ignore", *COMPAT, "--legacy") == (0, "old\n", "")


def test_children_find_compat_where_the_parent_found_it(directory: Path) -> None:
    """The child has another `sys.path` when it arrives; and the directory has a file that is called as we are."""
    program = f"""
        import sys
        sys.path.append({str(ROOT)!r})
        import compat, multiprocessing, os
        def work(unused):
            return asyncio.run(kind())
        if __name__ == "__main__":
            compat.install()
            os.chdir("elsewhere")
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [0])[0])
        """
    (directory / "elsewhere").mkdir()
    (directory / "elsewhere" / "compat.py").write_text("raise ImportError('not this one')\n")
    assert outcome(directory, program, environment={"PYTHONPATH": ""}) == (0, "compat.events\n", "")
