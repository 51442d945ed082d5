"""`python -m compat PROGRAM`: what the program sees, and the exit status and the output that its user sees.

Where something is not particular to this way of running a program, plain `python PROGRAM` is run beside it, and says
what is right.
"""

from __future__ import annotations

import signal
import zipapp
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, ended, next_line, run_python, started_python
from tests.support.paths import ROOT

COMPAT = ("-m", "compat")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program.py"


def same(program: Path, text: str, *arguments: str, cwd: Path = ROOT) -> Outcome:
    """What the program does under compat, which is just what it does without."""
    program.write_text(text)
    plain = run_python(program, *arguments, cwd=cwd)
    assert run_python(*COMPAT, program, *arguments, cwd=cwd) == plain
    assert run_python(*COMPAT, "--legacy", program, *arguments, cwd=cwd) == plain
    return plain


def test_the_loop_is_ours(program: Path) -> None:
    program.write_text("import asyncio\nasync def main():\n    print(type(asyncio.get_running_loop()).__module__)\n"
                       "asyncio.run(main())\n")
    assert run_python(program) == (0, "asyncio.unix_events\n", "")
    assert run_python(*COMPAT, program) == (0, "compat.events\n", "")
    assert run_python(*COMPAT, "--legacy", program) == (0, "compat.events\n", "")


def test_the_command_line_is_the_program_s(program: Path) -> None:
    status, out, err = same(program, "import sys\nprint(sys.argv)\n", "one", "--help", "--legacy", "-m", "-x")
    assert out == f"{[str(program), 'one', '--help', '--legacy', '-m', '-x']}\n"


def test_its_neighbours_can_be_imported(program: Path) -> None:
    (program.parent / "neighbour.py").write_text("NAME = 'neighbour'\n")
    text = "import sys, neighbour\nprint(sys.path[0], neighbour.NAME)\n"
    assert same(program, text)[1] == f"{program.parent} neighbour\n"


def test_its_name_and_file(program: Path) -> None:
    assert same(program, "print(__name__, __file__)\n")[1] == f"__main__ {program}\n"


def test_its_file_given_by_a_relative_path(program: Path) -> None:
    program.write_text("import sys\nprint(__file__, sys.argv)\n")
    plain = run_python("program.py", cwd=program.parent)
    assert plain[1] == f"{program} ['program.py']\n"
    assert run_python(*COMPAT, "program.py", cwd=program.parent) == plain


def test_a_link_to_it(program: Path) -> None:
    (program.parent / "bin").mkdir()
    (program.parent / "bin" / "link").symlink_to(program)
    (program.parent / "neighbour.py").write_text("NAME = 'neighbour'\n")
    program.write_text("import neighbour\nprint(neighbour.NAME)\n")
    plain = run_python(program.parent / "bin" / "link")
    assert plain == (0, "neighbour\n", "")
    assert run_python(*COMPAT, program.parent / "bin" / "link") == plain


def test_safe_path(program: Path) -> None:
    program.write_text("import sys\nprint(sys.path)\n")
    assert run_python("-P", *COMPAT, program) == run_python("-P", program)


def test_its_classes_can_be_pickled(program: Path) -> None:
    text = ("import pickle\nclass Thing:\n    pass\n"
            "print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)\n")
    assert same(program, text) == (0, "True\n", "")


def test_its_functions_run_in_other_processes(program: Path) -> None:
    text = ("import asyncio, concurrent.futures, multiprocessing\n"
            "def double(n):\n    return 2 * n\n"
            "async def main():\n"
            "    context = multiprocessing.get_context('spawn')\n"
            "    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:\n"
            "        print(await asyncio.get_running_loop().run_in_executor(pool, double, 21))\n"
            "if __name__ == '__main__':\n    asyncio.run(main())\n")
    assert same(program, text) == (0, "42\n", "")


def test_it_is_the_module_main_to_the_end(program: Path) -> None:
    text = ("import atexit, sys\nvalue = 'here'\n"
            "atexit.register(lambda: print(sys.modules['__main__'].value, value))\n")
    assert same(program, text) == (0, "here here\n", "")


def test_its_future_imports_are_its_own(program: Path) -> None:
    text = "def f(a: 1 + 1): pass\nprint(f.__annotations__)\n"
    assert same(program, text) == (0, "{'a': 2}\n", "")


@pytest.mark.parametrize(("text", "status", "said"), [
    ("pass\n", 0, ""), ("import sys\nsys.exit(3)\n", 3, ""), ("raise SystemExit\n", 0, ""),
    ("import sys\nsys.exit('so long')\n", 1, "so long\n"), ("import os\nos._exit(5)\n", 5, ""),
    ("import asyncio, sys\nasync def main():\n    sys.exit(7)\nasyncio.run(main())\n", 7, "")])
def test_its_exit_status(program: Path, text: str, status: int, said: str) -> None:
    assert same(program, text) == (status, "", said)


def test_ctrl_c(program: Path) -> None:
    """The main task is cancelled and cleans up, and the process dies as of the signal, as it does without us."""
    program.write_text("import asyncio\nasync def main():\n    try:\n        print('ready', flush=True)\n"
                       "        await asyncio.sleep(60)\n    finally:\n        print('cleaned up', flush=True)\n"
                       "asyncio.run(main())\n")
    for options in (), COMPAT, (*COMPAT, "--legacy"):
        with started_python(*options, program) as process:
            assert next_line(process) == "ready"
            process.send_signal(signal.SIGINT)
            status, out, err = ended(process)
        assert (status, out) == (-signal.SIGINT, "cleaned up\n")
        assert err.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("legacy", [[], ["--legacy"]], ids=["", "legacy"])
def test_an_exception_is_shown_with_its_line(program: Path, legacy: list[str]) -> None:
    program.write_text("import asyncio\n\nasync def main():\n    raise LookupError('gone')\n\nasyncio.run(main())\n")
    status, out, err = run_python(*COMPAT, *legacy, program)
    assert (status, out) == (1, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("LookupError: gone\n")
    for line, function, text in (6, "<module>", "asyncio.run(main())"), (4, "main", "raise LookupError('gone')"):
        assert f'  File "{program}", line {line}, in {function}\n    {text}\n' in err


@pytest.mark.parametrize("legacy", [[], ["--legacy"]], ids=["", "legacy"])
def test_a_syntax_error_is_shown_with_its_line(program: Path, legacy: list[str]) -> None:
    program.write_text("x = 1\ny = = 2\n")
    status, out, err = run_python(*COMPAT, *legacy, program)
    assert (status, out) == (1, "")
    assert f'  File "{program}", line 2\n    y = = 2\n' in err
    assert err.endswith("SyntaxError: invalid syntax\n")


# Modules, packages, directories, archives


def test_a_module(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("import asyncio, sys\nasync def main():\n"
                                      "    print(type(asyncio.get_running_loop()).__module__)\n"
                                      "print(__name__, __spec__.name, sys.argv, sys.path[0])\nasyncio.run(main())\n")
    seen = f"__main__ tool {[str(tmp_path / 'tool.py'), '-m', 'one']} {tmp_path}\n"
    assert run_python("-m", "tool", "-m", "one", cwd=tmp_path) == (0, f"{seen}asyncio.unix_events\n", "")
    assert run_python(*COMPAT, "-m", "tool", "-m", "one", cwd=tmp_path) == (0, f"{seen}compat.events\n", "")
    assert run_python(*COMPAT, "--legacy", "-m", "tool", "-m", "one", cwd=tmp_path) == (0, f"{seen}compat.events\n", "")


def test_a_package(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "part.py").write_text("NAME = 'part'\n")
    (tmp_path / "pack" / "__main__.py").write_text("import sys\nfrom .part import NAME\nprint(NAME, sys.argv[1:])\n"
                                                   "sys.exit(4)\n")
    assert run_python(*COMPAT, "-m", "pack", "one", cwd=tmp_path) == (4, "part ['one']\n", "")
    assert run_python(*COMPAT, "--legacy", "-m", "pack", "one", cwd=tmp_path) == (4, "part ['one']\n", "")


def test_the_classes_of_a_module_can_be_pickled(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("import pickle\nclass Thing:\n    pass\n"
                                      "print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)\n")
    assert run_python(*COMPAT, "-m", "tool", cwd=tmp_path) == (0, "True\n", "")


def test_a_module_that_is_not_there() -> None:
    status, out, err = run_python(*COMPAT, "-m", "no_such_module")
    assert (status, out) == (1, "")
    assert "No module named" in err and "no_such_module" in err


@pytest.mark.parametrize("legacy", [[], ["--legacy"]], ids=["", "legacy"])
def test_a_directory(tmp_path: Path, legacy: list[str]) -> None:
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "__main__.py").write_text("import sys, neighbour\n"
                                           "print(__name__, sys.argv, sys.path[0], neighbour.N)\n")
    (directory / "neighbour.py").write_text("N = 1\n")
    plain = run_python(directory, "one")
    assert plain == (0, f"__main__ {[str(directory), 'one']} {directory} 1\n", "")
    assert run_python(*COMPAT, *legacy, directory, "one") == plain


def test_a_zip_archive(tmp_path: Path) -> None:
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "__main__.py").write_text("print(__name__)\n")
    zipapp.create_archive(directory, tmp_path / "app.pyz")
    assert run_python(tmp_path / "app.pyz") == (0, "__main__\n", "")
    assert run_python(*COMPAT, tmp_path / "app.pyz") == (0, "__main__\n", "")


# --legacy


OLD = """\
import asyncio

@asyncio.coroutine
def main():
    yield from asyncio.sleep(0)
    return (yield from asyncio.async(asyncio.sleep(0, 'old')))

print(asyncio.get_event_loop().run_until_complete(main()))
"""


def test_legacy_runs_an_old_program(program: Path) -> None:
    program.write_text(OLD)
    assert run_python("-W", "ignore", *COMPAT, "--legacy", program) == (0, "old\n", "")


def test_legacy_runs_an_old_module_and_an_old_directory(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(OLD)
    (tmp_path / "tool.py").write_text(OLD)
    assert run_python("-W", "ignore", *COMPAT, "--legacy", "-m", "tool", cwd=tmp_path) == (0, "old\n", "")
    assert run_python("-W", "ignore", *COMPAT, "--legacy", tmp_path) == (0, "old\n", "")


def test_without_legacy_it_does_not_run(program: Path) -> None:
    program.write_text(OLD)
    status, out, err = run_python(*COMPAT, program)
    assert (status, out) == (1, "")
    assert err.endswith("SyntaxError: invalid syntax\n")
    program.write_text(OLD.replace("asyncio.async", "asyncio.ensure_future"))
    status, out, err = run_python(*COMPAT, program)
    assert (status, out) == (1, "")
    assert "AttributeError: module 'asyncio' has no attribute 'coroutine'" in err


def test_its_warnings_are_shown_as_those_of_a_script(program: Path) -> None:
    """Python shows a `DeprecationWarning` by default where `__main__` gives it, and so here."""
    program.write_text(OLD)
    status, out, err = run_python(*COMPAT, "--legacy", program)
    assert (status, out) == (0, "old\n")
    assert f'{program}:3: DeprecationWarning: "@coroutine" decorator is deprecated since Python 3.8' in err
    assert f"{program}:6: DeprecationWarning: asyncio.async() function is deprecated, use ensure_future()" in err


# The command line itself


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--legacy", "--help"]], ids=" ".join)
def test_help(arguments: list[str]) -> None:
    status, out, err = run_python(*COMPAT, *arguments)
    assert (status, err) == (0, "")
    for phrase in "python -m compat", "[--legacy]", "PROGRAM.py", "-m MODULE":
        assert phrase in out


@pytest.mark.parametrize("arguments", [[], ["--legacy"], ["-m"], ["--legacy", "-m"]], ids=" ".join)
def test_no_program(arguments: list[str]) -> None:
    status, out, err = run_python(*COMPAT, *arguments)
    assert status != 0
    assert out == ""
    assert err.startswith("python -m compat: a program to run is missing\n")
    assert "PROGRAM.py" in err and "Traceback" not in err


def test_an_unknown_option() -> None:
    said = "python -m compat: option --nonsense not recognized; see 'python -m compat --help'\n"
    assert run_python(*COMPAT, "--nonsense") == (2, "", said)


def test_no_such_file(tmp_path: Path) -> None:
    status, out, err = run_python(*COMPAT, tmp_path / "absent.py")
    assert status != 0
    assert out == ""
    assert err == f"python -m compat: can't open file {str(tmp_path / 'absent.py')!r}: there is no such file\n"


@pytest.mark.parametrize("arguments", [[], ["/no/such/file.py"]], ids=["none", "absent"])
def test_the_status_of_a_wrong_command_line(arguments: list[str]) -> None:
    assert run_python(*COMPAT, *arguments)[0] == run_python("-m", "kernel", *arguments)[0] == 2
