"""The four programs of the page, verbatim, on the kernel, and in legacy style: twelve processes, one meaning.

Real seconds pass here, as on the page; the programs run side by side, so that it takes five of them and not a minute.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.support.interpreters import Process, ended, next_line, started_python
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

Processes = dict[tuple[str, str], Process]


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with ExitStack() as stack:
        yield {(style, program): stack.enter_context(started(style, program))
               for style in STYLES for program in PROGRAMS}


def started(style: str, program: str) -> AbstractContextManager[Process]:
    kernel = ["-m", "kernel"] if style == "kernel" else []
    return started_python("-u", *kernel, f"examples/{style}/{program}.py")


def lines(process: Process, count: int) -> list[str]:
    """The next `count` lines that a program prints."""
    return [next_line(process) for _ in range(count)]


def still_runs(process: Process) -> bool:
    """Whether a program that is not to end is there, silent, a second later."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        _, out, err = ended(process)
        return out == "" and "Traceback" not in err
    return False


@pytest.mark.parametrize("style", STYLES)
def test_simple_coroutine(processes: Processes, style: str) -> None:
    status, out, err = ended(processes[style, "simple_coroutine"])
    assert (status, out) == (0, "hello world\n"), err


@pytest.mark.parametrize("style", STYLES)
def test_creating_tasks(processes: Processes, style: str) -> None:
    """The later one is the one that sleeps longer; and then the program runs for ever, as the page has it."""
    process = processes[style, "creating_tasks"]
    assert lines(process, 2) == ["second hello", "first hello"]
    assert still_runs(process)


@pytest.mark.parametrize("style", STYLES)
def test_stopping_loop(processes: Processes, style: str) -> None:
    """After three seconds it stops, and what was to be said after four never is."""
    status, out, err = ended(processes[style, "stopping_loop"])
    assert (status, out) == (0, "second hello\nfirst hello\n"), err


@pytest.mark.parametrize("style", STYLES)
def test_clock(processes: Processes, style: str) -> None:
    process = processes[style, "clock"]
    assert lines(process, TICKS) == [f"{i} s" for i in range(TICKS)]
    assert process.poll() is None


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_quotations_have_not_been_touched(program: str) -> None:
    """But for the first line, the import, their text is the page's."""
    imports, _, rest = (ROOT / "examples" / "seed" / f"{program}.py").read_text().partition("\n")
    assert imports == "import compat as asyncio"
    assert hashlib.sha256(rest.encode()).hexdigest()[:16] == DIGESTS[program]
