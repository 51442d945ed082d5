"""Programs that are run in a process of their own, with the packages of this project."""

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

LIMIT = 30.0  # seconds that a program may take before it counts as hanging


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str


@contextmanager
def started(*arguments: str, directory: Path | None = None,
            environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run Python with these arguments, in a process group of its own as a shell does; in the end, kill the group."""
    with subprocess.Popen([sys.executable, *arguments], cwd=directory, start_new_session=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)} if environment is None else environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def said(process: subprocess.Popen[str]) -> str:
    """The next line that the program prints; with its errors if it prints no more."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.rstrip("\n")


def outcome(process: subprocess.Popen[str]) -> Outcome:
    """Wait for the end of the program; what it has printed, but for the lines that `said` has returned.

    `process.communicate` would miss the lines that came, and were buffered, together with those.
    """
    assert process.stdout is not None and process.stderr is not None
    with ThreadPoolExecutor(1) as threads:
        errors = threads.submit(process.stderr.read)
        output = process.stdout.read()
        return Outcome(process.wait(LIMIT), output, errors.result())
