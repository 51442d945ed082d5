"""Python programs in processes of their own, which find this project whatever their directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import ROOT

Process = subprocess.Popen[str]
LIMIT = 30.0  # seconds that a program may take before it counts as hanging


class Outcome(NamedTuple):
    """How a process ended, and what it printed."""

    status: int
    out: str
    err: str


def run_python(*arguments: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] = {}, input: str = "",
               timeout: float = 50) -> Outcome:
    """Run Python and wait for its end. `environment` is added to that of this process; `timeout` is in seconds."""
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=cwd, env=_environment(environment), input=input,
                          capture_output=True, text=True, timeout=timeout)
    return Outcome(done.returncode, done.stdout, done.stderr)


@contextmanager
def started_python(*arguments: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] = {}) -> Iterator[Process]:
    """Python while it runs, in a process group of its own, which is killed at the end of the block."""
    with subprocess.Popen([sys.executable, *map(str, arguments)], cwd=cwd, env=_environment(environment),
                          start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def next_line(process: Process) -> str:
    """The next line that a process prints, without its end."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def ended(process: Process) -> Outcome:
    """Wait for the end of a process; the outcome has what was not read before.

    `process.communicate` would miss the lines that came, and were buffered, together with those that were read.
    """
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.close()
    with ThreadPoolExecutor(1) as threads:
        errors = threads.submit(process.stderr.read)
        out = process.stdout.read()
        return Outcome(process.wait(LIMIT), out, errors.result())


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **variables}
