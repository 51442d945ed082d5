"""Python programs in processes of their own, which find this project whatever their directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import ROOT

Process = subprocess.Popen[str]


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
def started_python(*arguments: str | Path) -> Iterator[Process]:
    """Python while it runs in the directory of the project; it is killed at the end of the block if it still does."""
    with subprocess.Popen([sys.executable, *map(str, arguments)], cwd=ROOT, env=_environment({}), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: Process) -> str:
    """The next line that a process prints, without its end."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def ended(process: Process) -> Outcome:
    """Wait for the end of a process; the outcome has what was not read before."""
    out, err = process.communicate(timeout=30)
    return Outcome(process.returncode, out, err)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **variables}
