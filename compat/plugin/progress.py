"""The line on a terminal that shows how far the exploring of a test has come. It is rewritten, and gone at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kernel.sim.exploring import Report

EVERY = 0.25  # seconds of real time


class Progress:
    """Shows the reports that it is called with."""

    def __init__(self, terminal: Any, test: str) -> None:
        self._terminal = terminal
        self._test = test
        self._shown = False
        self._next = time.monotonic() + EVERY

    def __call__(self, report: Report) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        if not self._shown:
            self._shown = True
            self._terminal.ensure_newline()
        numbers = (f": {report.runs:,} runs, {report.runs / max(report.seconds, EVERY):,.0f} runs a second, "
                   f"{report.states:,} states")
        room = max(0, self._terminal._tw.fullwidth - len(numbers) - 1)
        test = self._test if len(self._test) <= room else f"...{self._test[len(self._test) - room + 3:]}"
        self._write(test + numbers)

    def end(self) -> None:
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        self._terminal.write(f"\r\x1b[K{text}", flush=True)


@contextmanager
def progress_of(config: pytest.Config, test: str) -> Iterator[Progress | None]:
    """What is to be called with reports on `test`; nothing where pytest does not write to a terminal."""
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not terminal.isatty:
        yield None
        return
    progress = Progress(terminal, test)
    try:
        yield progress
    finally:
        progress.end()
