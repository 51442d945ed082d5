"""The four programs of the page, verbatim, on the kernel, and in legacy style: twelve processes, one meaning.

Real seconds pass here, as on the page; the programs run side by side, so that it takes five of them and not a minute.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT

STYLES = ["seed", "kernel", "legacy"]
# The programs of the page, and the SHA-256 digest of each without its first line.
DIGESTS = {
    "simple_coroutine": "9e48154cb6fcb833",
    "creating_tasks": "bbd4c286c600ae99",
    "stopping_loop": "9a3316e61ef68d31",
    "clock": "bccd0ff5d45f9b84",
}
PROGRAMS = list(DIGESTS)
TICKS = 4  # of the clock, which are seconds, before it is stopped

Process = subprocess.Popen[str]


def start(style: str, program: str) -> Process:
    file = f"examples/{style}/{program}.py"
    command = [sys.executable, "-u", *(["-m", "kernel"] if style == "kernel" else []), file]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def processes() -> Iterator[dict[tuple[str, str], Process]]:
    started = {(style, program): start(style, program) for style in STYLES for program in PROGRAMS}
    try:
        yield started
    finally:
        for process in started.values():
            process.kill()
            process.communicate()


def lines(process: Process, count: int) -> list[str]:
    """The next `count` lines that a program prints."""
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def end(process: Process) -> tuple[int, str, str]:
    """The exit status and what else was printed by a program that is to end by itself."""
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def still_runs(process: Process) -> bool:
    """Whether a program that is not to end is there, silent, a second later."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return out == "" and "Traceback" not in err
    return False


@pytest.mark.parametrize("style", STYLES)
def test_simple_coroutine(processes: dict[tuple[str, str], Process], style: str) -> None:
    status, out, err = end(processes[style, "simple_coroutine"])
    assert (status, out) == (0, "hello world\n"), err


@pytest.mark.parametrize("style", STYLES)
def test_creating_tasks(processes: dict[tuple[str, str], Process], style: str) -> None:
    """The later one is the one that sleeps longer; and then the program runs for ever, as the page has it."""
    process = processes[style, "creating_tasks"]
    assert lines(process, 2) == ["second hello", "first hello"]
    assert still_runs(process)


@pytest.mark.parametrize("style", STYLES)
def test_stopping_loop(processes: dict[tuple[str, str], Process], style: str) -> None:
    """After three seconds it stops, and what was to be said after four never is."""
    status, out, err = end(processes[style, "stopping_loop"])
    assert (status, out) == (0, "second hello\nfirst hello\n"), err


@pytest.mark.parametrize("style", STYLES)
def test_clock(processes: dict[tuple[str, str], Process], style: str) -> None:
    process = processes[style, "clock"]
    assert lines(process, TICKS) == [f"{i} s" for i in range(TICKS)]
    assert process.poll() is None


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_quotations_have_not_been_touched(program: str) -> None:
    """But for the first line, the import, their text is the page's."""
    imports, _, rest = (ROOT / "examples" / "seed" / f"{program}.py").read_text().partition("\n")
    assert imports == "import compat as asyncio"
    assert hashlib.sha256(rest.encode()).hexdigest()[:16] == DIGESTS[program]
