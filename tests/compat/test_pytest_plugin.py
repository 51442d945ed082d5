"""`pytest --compat-loop`: each test runs a small suite with it, in a process of its own.

The plugin is loaded from the source tree by `-p compat.plugin`, or as it is where the project is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import PackageNotFoundError, entry_points, requires
from pathlib import Path

import pytest

from tests.support.paths import ROOT


SUITE = """
import asyncio, unittest

LOOP = asyncio.SelectorEventLoop
EARLY = asyncio.new_event_loop()  # before any test runs
EARLY.close()

async def kind():
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__

def test_run():
    assert asyncio.run(kind()) == EXPECTED

def test_runner():
    with asyncio.Runner() as runner:
        assert runner.run(kind()) == EXPECTED

def test_policy():
    loop = asyncio.get_event_loop_policy().new_event_loop()
    assert loop.run_until_complete(kind()) == EXPECTED
    loop.close()

def test_class():
    assert LOOP.__module__ == type(EARLY).__module__ == EXPECTED

class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.before = await kind()

    async def test_case(self):
        self.assertEqual([self.before, await kind()], [EXPECTED] * 2)
"""
OURS = "EXPECTED = 'compat.events'\n" + SUITE
STOCK = "EXPECTED = 'asyncio.unix_events'\n" + SUITE
IDLE = """
def test_nothing_is_loaded():
    import sys
    assert "compat_loop" in sys.modules
    assert not {"compat", "kernel", "compat_loop.session"} & set(sys.modules)  # asyncio pytest may need itself
"""


def session(directory: Path, suite: str, *options: str, status: int = 0, installed: Path | None = None) -> str:
    """What pytest prints, run with these options for a file with this text."""
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_suite.py").write_text(textwrap.dedent(suite))
    plugin = ["-p", "compat.plugin"] if installed is None else []
    command = [sys.executable, "-W", "ignore", "-m", "pytest", *plugin, "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=50,
                          env={"PYTHONPATH": str(installed or ROOT), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what an installation puts into `site-packages`."""
    site = tmp_path_factory.mktemp("site")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    setuptools = settings["tool"]["setuptools"]
    for name in setuptools["packages"]:
        if "." not in name:
            (site / name).symlink_to(ROOT / setuptools["package-dir"].get(name, name))
    about = site / "trampoline_kernel-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: trampoline-kernel\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[pytest11]\n" + "".join(
        f"{name} = {module}\n" for name, module in settings["project"]["entry-points"]["pytest11"].items()))
    return site


def test_every_way_to_a_loop_leads_to_ours(tmp_path: Path) -> None:
    output = session(tmp_path, OURS, "--compat-loop")
    assert "\ncompat loop: every event loop is compat.EventLoop\n" in output
    assert "\ncompat loop: 5 event loops were made, 5 of them compat's\n" in output
    assert "5 passed" in output


def test_it_does_nothing_unless_asked(tmp_path: Path) -> None:
    output = session(tmp_path, STOCK)
    assert "5 passed" in output
    assert "compat loop" not in output


def test_a_session_that_does_not_ask_loads_nothing(tmp_path: Path, installed: Path) -> None:
    assert "1 passed" in session(tmp_path, IDLE, installed=installed)


def test_it_imports_nothing_but_itself(installed: Path) -> None:
    program = "import sys, pytest; before = set(sys.modules); import compat_loop; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], cwd=installed, capture_output=True, text=True, timeout=30)
    assert (done.stderr, done.stdout) == ("", "['compat_loop']\n")


def test_where_it_is_installed(tmp_path: Path, installed: Path) -> None:
    for options in [], ["-p", "compat.plugin"], ["-p", "compat_loop"]:
        output = session(tmp_path, OURS, "--compat-loop", *options, installed=installed)
        assert "\ncompat loop: 5 event loops were made, 5 of them compat's\n" in output
        assert "5 passed" in output


@pytest.mark.parametrize("layout", ["compat.py", "compat/__init__.py"])
def test_a_project_with_a_compat_of_its_own(tmp_path: Path, installed: Path, layout: str) -> None:
    """It is left alone, unless it asks: then it is told what is in the way."""
    path = tmp_path / layout
    path.parent.mkdir(exist_ok=True)
    path.write_text("text = str\n")
    suite = "PLUGIN = 'compat_loop'" + IDLE + "    import compat\n    assert compat.text is str\n"
    assert "1 passed" in session(tmp_path, suite, installed=installed)
    output = session(tmp_path, suite, "--compat-loop", status=4, installed=installed)
    assert f"'import compat' finds {path}, which is not the package that this option belongs to: rename that file" in output
    assert "Traceback" not in output


def test_another_copy_of_this_project_comes_first(tmp_path: Path, installed: Path) -> None:
    """As where it is installed, and somebody works on its source."""
    for name in "compat", "kernel":
        shutil.copytree(ROOT / name, tmp_path / name)
    assert "5 passed" in session(tmp_path, OURS, "--compat-loop", installed=installed)


def test_every_package_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    listed = {setuptools["package-dir"].get(name, name.replace(".", "/")) for name in setuptools["packages"]}
    assert listed == {str(file.parent.relative_to(ROOT)) for package in ("kernel", "compat")
                      for file in (ROOT / package).rglob("*.py")}


def test_a_failure_stays_one(tmp_path: Path) -> None:
    suite = """
        import asyncio

        async def fail():
            await asyncio.sleep(0)
            assert 1 + 1 == 3

        def test_failing():
            asyncio.run(fail())
    """
    output = session(tmp_path, suite, "--compat-loop", status=1)
    assert "1 failed" in output
    assert "assert (1 + 1) == 3" in output


def test_a_suite_that_makes_no_loop_is_noticed(tmp_path: Path) -> None:
    output = session(tmp_path, "def test_nothing(): pass", "--compat-loop")
    assert "0 event loops were made, 0 of them compat's: NOTHING WAS RUN ON COMPAT'S LOOP" in output


def test_loops_of_others_are_counted(tmp_path: Path) -> None:
    """Whether their class comes from asyncio's base, or as uvloop's from the abstract one alone; each of them once."""
    suite = """
        import asyncio

        class Derived(asyncio.base_events.BaseEventLoop):
            pass

        class Abstract(asyncio.AbstractEventLoop):
            def __init__(self, number):
                super().__init__()
                self.number = number

        class Further(Abstract):
            pass

        def test_others():
            Derived(), Derived()
            assert Further(3).number == 3
            asyncio.run(asyncio.sleep(0))
    """
    output = session(tmp_path, suite, "--compat-loop")
    assert ("compat loop: 4 event loops were made, 1 of them compat's; others: "
            "2 test_suite.Derived, 1 test_suite.Further\n") in output


def test_the_process_is_as_before_when_the_session_is_over(tmp_path: Path) -> None:
    """As it is for a suite that runs pytest inside of a test; where the outer session is on our loop, it stays that."""
    suite = """
        import asyncio, pathlib, pytest

        def names():
            return [asyncio.SelectorEventLoop, asyncio.new_event_loop, vars(asyncio.AbstractEventLoop).copy(),
                    asyncio.BaseEventLoop.__init__]

        @pytest.mark.parametrize("options", [[], ["--compat-loop"]])
        def test_outer(tmp_path, options):
            inner = tmp_path / "test_inner.py"
            inner.write_text("import asyncio\\ndef test_inner(): asyncio.run(asyncio.sleep(0))")
            before = names()
            assert pytest.main(["-p", "compat.plugin", "--import-mode=importlib", *options, str(inner)]) == 0
            assert names() == before
    """
    assert "2 passed" in session(tmp_path, suite)
    assert "compat loop: 2 event loops were made, 2 of them compat's\n" in session(tmp_path, suite, "--compat-loop")


def test_the_legacy_names(tmp_path: Path) -> None:
    suite = """
        import asyncio, pytest

        def test_legacy():
            @asyncio.coroutine
            def old():
                yield from asyncio.sleep(0)
                return type(asyncio.get_event_loop()).__module__

            assert asyncio.run(old()) == "compat.events"
    """
    output = session(tmp_path, suite, "--compat-legacy")
    assert "compat loop: every event loop is compat.EventLoop, and asyncio has its legacy names\n" in output
    assert "1 passed" in output
    session(tmp_path, suite, "--compat-loop", status=1)


def test_pytest_finds_it_where_the_project_is_installed() -> None:
    try:
        requires("trampoline-kernel")
    except PackageNotFoundError:
        pytest.skip("the project is not installed here")
    assert ("compat_loop", "compat_loop") in [(found.name, found.value) for found in entry_points(group="pytest11")]
