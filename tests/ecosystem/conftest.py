"""What the tests of the ecosystem have in common: databases, which library a test is about, and the table of them all.

A test says `@pytest.mark.library("aiohttp", "server and client: keep-alive")`, or a file says so of all its tests by
`pytestmark`. After the run a table is printed: library, installed version, what was exercised, result, and the command
that repeats it. `--table FILE` writes it as Markdown as well.

On a machine that lacks a server or a library, tests skip and say what to install. Where ECOSYSTEM_COMPLETE is set, as
it is in CI, a skipped test is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.ecosystem.databases import Postgres, running_postgres, running_redis
from tests.ecosystem.servers import Server

HEADER = ("Library", "Version", "What was exercised", "Result", "Command")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", type=Path, metavar="FILE", help="write the table of libraries to FILE, as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "library(name, exercised): which library the test is about, and what of it")
    config.pluginmanager.register(Table(config), "ecosystem-table")


class Table:
    """Collects the outcome of every test of a library, and prints what came of it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: dict[tuple[str, str], str] = {}  # library and what is exercised: the file
        self._subjects: dict[str, list[tuple[str, str]]] = {}  # test: the rows it belongs to
        self._outcomes: dict[tuple[str, str], list[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            rows = [(str(mark.args[0]), str(mark.args[1])) for mark in item.iter_markers("library")]
            self._subjects[item.nodeid] = rows
            for row in rows:
                self._rows.setdefault(row, item.nodeid.split("::")[0])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("ECOSYSTEM_COMPLETE"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped where nothing may be: {reason}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for row in self._subjects.get(report.nodeid, []):
                self._outcomes.setdefault(row, []).append(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        rows = [self._line(*row) for row in sorted(self._outcomes)]
        if not rows:
            return
        terminalreporter.section("libraries")
        widths = [max(len(row[column]) for row in [HEADER, *rows]) for column in range(len(HEADER))]
        for row in [HEADER, *rows]:
            terminalreporter.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        target: Path | None = self._config.getoption("--table")
        if target is not None:
            libraries = sorted({library for library, _ in self._outcomes}, key=str.lower)
            table = [HEADER, ("---",) * len(HEADER), *(self._line(library) for library in libraries)]
            target.write_text("".join("| " + " | ".join(row) + " |\n" for row in table))

    def _line(self, library: str, exercised: str | None = None) -> tuple[str, ...]:
        """A row of the table: of one thing that is exercised, or of the whole library."""
        try:
            release = version(library)
        except PackageNotFoundError:
            release = "not installed"
        rows = [row for row in sorted(self._outcomes) if row == (library, exercised or row[1])]
        outcomes = [outcome for row in rows for outcome in self._outcomes[row]]
        result = ", ".join(f"{outcomes.count(kind)} {kind}" for kind in ("passed", "failed", "skipped")
                           if kind in outcomes)
        files = dict.fromkeys(self._rows[row] for row in rows)
        return library, release, "; ".join(what for _, what in rows), result, f"pytest {' '.join(files)}"
