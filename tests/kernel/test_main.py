"""`python -m kernel FILE`: what the program sees, and the exit status and the traceback that its user sees."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, ended, next_line, run_python, started_python
from tests.support.paths import ROOT


HERE = {"PYTHONPATH": ""}  # the project is found because it is the current directory, and only so


def written(program: str, tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(program)
    return file


def outcome(program: str, tmp_path: Path, *arguments: str, options: tuple[str, ...] = ()) -> Outcome:
    return run_python(*options, "-m", "kernel", written(program, tmp_path), *arguments, environment=HERE)


def outcome_of(*arguments: str) -> Outcome:
    """That of a bare command line."""
    return run_python("-m", "kernel", *arguments, environment=HERE)


def test_runs_an_async_main(tmp_path: Path) -> None:
    program = "from kernel import sleep\nasync def main():\n    await sleep(0.01)\n    print('ran')\n    return 7\n"
    assert outcome(program, tmp_path) == (0, "ran\n", "")


def test_runs_a_generator_main(tmp_path: Path) -> None:
    program = ("from kernel import now\ndef main():\n    before = yield now()\n    yield\n"
               "    print(type(before).__name__)\n")
    assert outcome(program, tmp_path) == (0, "float\n", "")


def test_gives_the_program_its_command_line_and_path(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("NAME = 'neighbour'\n")
    program = ("import sys, neighbour\n"
               "async def main():\n    print(sys.argv, sys.path[0], neighbour.NAME, __file__, sep='\\n')\n")
    file = str(tmp_path / "program.py")
    status, out, err = outcome(program, tmp_path, "one", "--help", "-x")
    assert (status, err) == (0, "")
    assert out.splitlines() == [str([file, "one", "--help", "-x"]), os.path.realpath(tmp_path), "neighbour", file]


def test_main_runs_once_in_a_file_with_a_guard(tmp_path: Path) -> None:
    program = ("import kernel\nprint('loaded as', __name__)\nasync def main():\n    print('main')\n"
               "if __name__ == '__main__':\n    kernel.run(main())\n")
    assert outcome(program, tmp_path) == (0, "loaded as program\nmain\n", "")


def test_the_module_can_be_found_by_its_name(tmp_path: Path) -> None:
    program = ("import pickle\nclass Thing:\n    pass\n"
               "async def main():\n    print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)\n")
    assert outcome(program, tmp_path) == (0, "True\n", "")


def test_main_may_be_decorated(tmp_path: Path) -> None:
    program = ("import functools\ndef twice(function):\n    @functools.wraps(function)\n    def wrapper():\n"
               "        print('once')\n        return function()\n    return wrapper\n"
               "@twice\nasync def main():\n    print('again')\n")
    assert outcome(program, tmp_path) == (0, "once\nagain\n", "")


def test_in_a_checkout_its_packages_can_still_be_imported(tmp_path: Path) -> None:
    program = "import sys\nasync def main():\n    print(sys.path[-1])\n"
    assert outcome(program, tmp_path) == (0, f"{ROOT}\n", "")


def test_a_file_named_after_a_module_in_use_does_not_replace_it(tmp_path: Path) -> None:
    file = tmp_path / "signal.py"
    file.write_text("import sys\nasync def main():\n    print(__name__, hasattr(sys.modules['signal'], 'SIGINT'))\n")
    assert outcome_of(str(file)) == (0, "__kernel_main__ True\n", "")


@pytest.mark.parametrize(("statement", "status", "printed"), [
    ("sys.exit(3)", 3, ""), ("sys.exit()", 0, ""), ("sys.exit('no more')", 1, "no more\n")])
def test_sys_exit_gives_the_status(tmp_path: Path, statement: str, status: int, printed: str) -> None:
    assert outcome(f"import sys\nasync def main():\n    {statement}\n", tmp_path) == (status, "", printed)
    assert outcome(f"import sys\n{statement}\n", tmp_path) == (status, "", printed)


FAILING = """\
from kernel import sleep, spawn
async def child():
    await sleep(0)
    try:
        await sleep("long")
    except TypeError as error:
        raise LookupError("no luck") from error
async def main():
    await (await spawn(child()))
"""


def test_an_exception_gives_a_traceback_without_the_kernel(tmp_path: Path) -> None:
    status, out, err = outcome(FAILING, tmp_path)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == "LookupError: no luck"
    assert "TypeError: sleep() takes a number of seconds" in err
    files = [line.split('"')[1] for line in err.splitlines() if line.startswith("  File ")]
    assert len(files) == 3 and set(files) == {str(tmp_path / "program.py")}, err


def test_development_mode_shows_the_kernel_as_well(tmp_path: Path) -> None:
    status, _, err = outcome(FAILING, tmp_path, options=("-X", "dev"))
    assert status == 1 and str(ROOT / "kernel" / "core.py") in err


def test_the_members_of_an_exception_group_are_trimmed(tmp_path: Path) -> None:
    program = ("from kernel import sleep\nasync def main():\n    errors = []\n    try:\n        await sleep('long')\n"
               "    except TypeError as error:\n        errors.append(error)\n"
               "    raise ExceptionGroup('one', errors)\n")
    status, _, err = outcome(program, tmp_path)
    assert status == 1 and "takes a number of seconds" in err and str(ROOT / "kernel") not in err


def test_the_frames_of_the_library_are_the_kernels_too(tmp_path: Path) -> None:
    program = ("from kernel import TaskGroup, open_file, timeout\nasync def main():\n    async with timeout(50):\n"
               "        async with TaskGroup() as group:\n            await group.spawn(missing())\n"
               "async def missing():\n    async with open_file('there is none'):\n        pass\n")
    status, _, err = outcome(program, tmp_path)
    assert status == 1 and "FileNotFoundError" in err and str(ROOT / "kernel") not in err, err


def test_a_chain_of_causes_longer_than_the_stack_is_shown(tmp_path: Path) -> None:
    program = ("async def main():\n    error = None\n    for number in range(3000):\n        new = ValueError(number)\n"
               "        new.__cause__, error = error, new\n    raise error\n")
    status, out, err = outcome(program, tmp_path)
    lines = err.splitlines()
    assert (status, out) == (1, "") and "ValueError: 0" in lines and lines[-1] == "ValueError: 2999"
    assert str(ROOT / "kernel") not in err


def test_a_failure_of_the_kernel_itself_keeps_its_frames(tmp_path: Path) -> None:
    program = ("from kernel import current_task, sleep\n"
               "async def main():\n    task = await current_task()\n    task.kernel.poller = None\n"
               "    await sleep(0.01)\n")
    status, _, err = outcome(program, tmp_path)
    assert status == 1 and str(ROOT / "kernel" / "core.py") in err


def test_a_deadlock_is_reported_without_frames(tmp_path: Path) -> None:
    program = "from kernel import Waitable\nasync def main():\n    await Waitable()\n"
    status, _, err = outcome(program, tmp_path)
    assert status == 1 and err.startswith("kernel.deadlock.Deadlock: ") and "program.py:3 in main" in err


def test_an_exception_while_the_file_is_loaded(tmp_path: Path) -> None:
    status, _, err = outcome("1 / 0\n", tmp_path)
    assert status == 1
    assert err.startswith("Traceback") and err.endswith("ZeroDivisionError: division by zero\n")
    assert str(ROOT / "kernel") not in err


def test_a_syntax_error(tmp_path: Path) -> None:
    status, _, err = outcome("async def main(:\n    pass\n", tmp_path)
    assert status == 1 and err.startswith(f'  File "{tmp_path / "program.py"}", line 1\n') and "SyntaxError" in err


def test_ctrl_c_cancels_main_and_gives_130(tmp_path: Path) -> None:
    program = ("from kernel import sleep\nasync def main():\n    try:\n        print('ready', flush=True)\n"
               "        await sleep(30)\n    finally:\n        print('cleaned up')\n")
    with started_python("-m", "kernel", written(program, tmp_path), environment=HERE) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGINT)
        assert ended(process) == (130, "cleaned up\n", "KeyboardInterrupt\n")


@pytest.mark.parametrize(("program", "message"), [
    ("x = 1\n", "defines no main; write 'async def main(): ...'"),
    ("main = 3\n", "main in {file} is 3; write 'async def main(): ...', or a generator function"),
    ("def main():\n    print('ran')\n", "main in {file} is an ordinary function; write"),
    ("async def main():\n    yield\n", "main in {file} is an async generator function, which cannot be run; write"),
    ("async def main(args):\n    pass\n",
     "main in {file} is called without arguments: missing a required argument: 'args'"),
])
def test_a_file_that_cannot_be_run(tmp_path: Path, program: str, message: str) -> None:
    status, out, err = outcome(program, tmp_path)
    assert (status, out) == (2, "")
    assert err.startswith("python -m kernel: ") and message.format(file=tmp_path / "program.py") in err, err


def test_a_missing_file(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.py")
    assert outcome_of(missing) == (2, "", f"python -m kernel: cannot open {missing!r}: No such file or directory\n")
    assert outcome_of(str(tmp_path)) == (2, "", f"python -m kernel: cannot open {str(tmp_path)!r}: Is a directory\n")


def test_help_and_usage() -> None:
    status, out, err = outcome_of("--help")
    assert (status, err) == (0, "") and out.startswith("usage: python -m kernel [option ...] FILE") and "130 after Ctrl-C" in out
    assert outcome_of() == (2, "", "usage: python -m kernel [option ...] FILE [argument ...]\n")
    assert outcome_of("-z") == (2, "", "python -m kernel: option -z not recognized; see 'python -m kernel --help'\n")
