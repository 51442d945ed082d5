"""The options of insight before the program, alike on every command line that starts one."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, ended, next_line, run_python
from tests.support.offered import COMMAND, WAITING, WAITING_ON_ASYNCIO, Place

NATIVE = "from kernel import Queue, sleep\nasync def main():\n    print('ran')\n    await sleep(0.001)\n"
ASYNCIO = "import asyncio\nasync def main():\n    print('ran')\n    await asyncio.sleep(0.001)\nasyncio.run(main())\n"
STARTS = {"-m kernel": NATIVE, "trampoline run": NATIVE, "-m compat": ASYNCIO, "trampoline asyncio": ASYNCIO}
every_start = pytest.mark.parametrize("start", STARTS)


def outcome(place: Place, tmp_path: Path, start: str, *options: object) -> Outcome:
    """How the program of that start ends, after these options."""
    program = tmp_path / "program.py"
    program.write_text(STARTS[start])
    return run_python(*start.replace("trampoline", COMMAND).split(), *map(str, options), program,
                      environment=place.environment)


def called(start: str) -> str:
    return start if start.startswith("trampoline") else f"python {start}"


@every_start
def test_without_options_it_just_runs(place: Place, tmp_path: Path, start: str) -> None:
    assert outcome(place, tmp_path, start) == (0, "ran\n", "")


@every_start
def test_a_trace_is_written_to_standard_error(place: Place, tmp_path: Path, start: str) -> None:
    status, out, err = outcome(place, tmp_path, start, "--strace")
    assert (status, out) == (0, "ran\n") and "sleep(0.001)" in err and err.endswith("\n")


@every_start
def test_a_trace_is_written_to_a_file(place: Place, tmp_path: Path, start: str) -> None:
    file = tmp_path / "trace"
    file.write_text("from before\n" * 1000)
    assert outcome(place, tmp_path, start, "--strace", "-o", file) == (0, "ran\n", "")
    text = file.read_text()
    assert "sleep(0.001)" in text and "from before" not in text and text.endswith("\n")


@every_start
def test_what_the_trace_shows_can_be_chosen(place: Place, tmp_path: Path, start: str) -> None:
    assert "sleep" not in outcome(place, tmp_path, start, "--strace", "-e", "!time").err
    assert "sleep(0.001)" in outcome(place, tmp_path, start, "--strace", "-e", "queue,time", "-T", "-r").err
    assert "sleep" not in outcome(place, tmp_path, start, "--strace", "--task", "nobody").err
    err = outcome(place, tmp_path, start, "--strace", "--no-data").err
    assert "sleep" in err and "0.001)" not in err


@every_start
def test_a_summary_is_written_at_the_end(place: Place, tmp_path: Path, start: str) -> None:
    status, out, err = outcome(place, tmp_path, start, "-c")
    assert (status, out) == (0, "ran\n") and "sleep" in err
    both = outcome(place, tmp_path, start, "-c", "--strace").err
    assert both.index("sleep(0.001)") < both.index("calls") and "sleep(0.001)" not in err


@every_start
def test_a_file_that_cannot_be_written_is_refused_before_the_program_starts(place: Place, tmp_path: Path, start: str
                                                                           ) -> None:
    file = tmp_path / "no" / "file"
    assert outcome(place, tmp_path, start, "--strace", "-o", file) == (
        2, "", f"{called(start)}: cannot write to {file}: No such file or directory; see '{called(start)} --help'\n")


@pytest.mark.parametrize(("options", "said"), [
    (["--strace", "-o", "/"], "cannot write to /: Is a directory"),
    (["--strace", "-e", "queue,nonsense"], "-e queue,nonsense: 'nonsense' is no kind of requests; there are time, task, "
                                           "sync, queue, network, thread, process, signal, file, future, other"),
    (["--strace", "-e", ""], "-e : '' is no kind"), (["-c", "-e", "queue,!time"], "-e queue,!time: '!time' is no kind"),
    (["-e", "queue"], "-e says how to trace: write --strace or -c as well"),
    (["-o", "file"], "-o says how to trace: write --strace or -c as well"),
    (["--no-data"], "--no-data says how to trace: write --strace or -c as well"),
    (["--nonsense"], "option --nonsense not recognized"),
], ids=str)
def test_wrong_options_are_refused_before_the_program_starts(place: Place, tmp_path: Path, options: list[str], said: str
                                                             ) -> None:
    status, out, err = outcome(place, tmp_path, "-m kernel", *options)
    assert (status, out) == (2, "") and err.startswith(f"python -m kernel: {said}"), err
    assert err.endswith("; see 'python -m kernel --help'\n") and err.count("\n") == 1


@every_start
def test_help_names_every_option(place: Place, start: str) -> None:
    status, out, err = run_python(*start.replace("trampoline", COMMAND).split(), "--strace", "--help")
    assert (status, err) == (0, "") and out.startswith(f"usage: {called(start)} ")
    for option in "--strace", "-c", "-o FILE", "-e KINDS", "-T", "-r", "--task PATTERN", "--no-data", "--no-insight":
        assert f"\n  {option} " in out
    assert max(map(len, out.splitlines())) <= 120


@every_start
def test_options_behind_the_program_are_the_program_s(place: Place, tmp_path: Path, start: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(STARTS[start].replace("'ran'", "__import__('sys').argv[1:]"))
    given = ["--strace", "-c", "--help", "-o", "x"]
    assert run_python(*start.replace("trampoline", COMMAND).split(), program, *given,
                      environment=place.environment) == (0, f"{given}\n", "")


def test_options_before_a_module(place: Place, tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text(ASYNCIO.replace("'ran'", "__import__('sys').argv[1:]"))
    status, out, err = run_python("-m", "compat", "--strace", "-m", "tool", "-m", "--strace", cwd=tmp_path,
                                  environment=place.environment)
    assert (status, out) == (0, "['-m', '--strace']\n") and "sleep(0.001)" in err


# The trace's file


def test_a_trace_that_cannot_be_written_to_the_end_says_so(place: Place, tmp_path: Path) -> None:
    status, out, err = outcome(place, tmp_path, "-m kernel", "--strace", "-o", "/dev/full")
    assert (status, out) == (0, "ran\n")
    assert err == "python -m kernel: the trace is not complete: No space left on device\n"


def test_a_program_that_closes_all_descriptors(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os\nfrom kernel import sleep\nasync def main():\n    os.closerange(3, 100)\n"
                       "    mine = [os.open(__file__ + '.mine', os.O_RDWR | os.O_CREAT) for _ in range(20)]\n"
                       "    await sleep(0)\n    os._exit(os.fstat(mine[0]).st_size)\n")
    status, out, err = run_python("-m", "kernel", "--strace", "-o", tmp_path / "trace", program,
                                  environment=place.environment)
    assert (status, out) == (0, "")


def test_what_a_forked_child_does_is_no_part_of_the_trace(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os\nfrom kernel import run, sleep\nasync def child():\n    await sleep(0.002)\n"
                       "async def main():\n    await sleep(0.001)\n    if (pid := os.fork()) == 0:\n"
                       "        run(child())\n        raise SystemExit(0)\n    os.waitpid(pid, 0)\n")
    file = tmp_path / "trace"
    status, _, err = run_python("-m", "kernel", "--strace", "-c", "-o", file, program, environment=place.environment)
    assert (status, err) == (0, "")
    assert "sleep(0.001)" in file.read_text() and "sleep(0.002)" not in file.read_text()


# To be looked into, or not


@every_start
def test_no_insight_offers_nothing(place: Place, tmp_path: Path, start: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(STARTS[start].replace("'ran'", f"__import__('os').path.exists({str(place.directory)!r})"))
    for environment in {}, {"TRAMPOLINE_INSIGHT": "1"}:
        done = run_python(*start.replace("trampoline", COMMAND).split(), "--no-insight", program,
                          environment={**place.environment, **environment})
        assert done.status == 0 and done.err == ""
        assert done.out == "False\n" or environment and os.listdir(place.directory) == []


@every_start
def test_what_makes_it_impossible_is_not_said_unless_the_variable_asks(place: Place, tmp_path: Path, start: str) -> None:
    place.directory.write_text("")
    assert outcome(place, tmp_path, start) == (0, "ran\n", "")


@pytest.mark.parametrize("start", ["-m kernel", "-m compat"])
def test_ctrl_backslash_shows_the_tasks_and_the_program_goes_on(place: Place, tmp_path: Path, start: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(WAITING if start == "-m kernel" else WAITING_ON_ASYNCIO)
    with place.started(*start.split(), program) as process:
        process.send_signal(signal.SIGQUIT)
        assert process.stderr is not None
        text = ""
        while not all(name in text for name in ("child-0", "child-1", "child-2")):
            text += process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert ended(process).out == "cleaned up\n"


def test_a_handler_of_the_program_s_own_stays(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import signal\nfrom kernel import sleep\n"
                       "signal.signal(signal.SIGQUIT, lambda *_: print('mine', flush=True))\n"
                       "async def main():\n    print('ready', flush=True)\n    await sleep(1000)\n")
    with place.started("-m", "kernel", program) as process:
        process.send_signal(signal.SIGQUIT)
        assert next_line(process) == "mine"


def test_a_program_that_is_started_otherwise_ends_at_ctrl_backslash(place: Place) -> None:
    program = f"import kernel\n{WAITING}\nkernel.run(main())\n"
    with place.started("-c", program, environment={"TRAMPOLINE_INSIGHT": "1"}) as process:
        process.send_signal(signal.SIGQUIT)
        assert ended(process).status == -signal.SIGQUIT


def test_the_trace_is_readable_by_whom_the_umask_says(place: Place, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        outcome(place, tmp_path, "-m kernel", "--strace", "-o", tmp_path / "trace")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "trace").stat().st_mode) == 0o600
