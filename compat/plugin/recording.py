"""A pytest session that records its tests: what `pytest --record-dir DIRECTORY` does.

Each test is recorded, its fixtures included, and the recording is kept if the test fails. Kernels and event loops that
were made before the test are not in it.

Where the project is installed, this package is `compat_loop`, and not in `compat`. So it imports `kernel` by its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from kernel.insight import record

NAME = "trampoline_recordings"  # of the object that records
LONGEST = 150  # characters of a file's name


class Recordings:
    """Records the tests of a session."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: Path | None = None
        self._failed = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._file = self._directory / file_name(item.nodeid)
        self._failed = False
        session = record(self._file)
        try:
            return (yield)
        finally:
            session.stop()
            if not self._failed:
                self._file.unlink(missing_ok=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and self._file is not None:
            self._failed = True
            report.sections.append(("Recording of the test", f"trampoline show {self._file}\ntrampoline movie {self._file}"))
        return report


def file_name(test: str) -> str:
    """The name of the file for a test."""
    return re.sub(r"[^\w.\[\]=-]+", "-", test)[-LONGEST:].lstrip("-.") + ".rec"


def activate(config: pytest.Config, directory: str) -> None:
    """Have the session of `config` record its tests."""
    if config.pluginmanager.has_plugin(NAME):
        return  # the plugin is loaded by both of its names
    path = Path(directory).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--record-dir: cannot make {directory}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise pytest.UsageError(f"--record-dir: cannot write to {directory}")
    config.pluginmanager.register(Recordings(path), NAME)
