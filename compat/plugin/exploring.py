"""A pytest session that explores its async tests: what `pytest --compat-loop --explore RUNS` does.

Each async test is run many times in simulation, each time under another schedule that a real machine might give it,
with its fixtures. The first run that fails is repeated with less and less that is unusual, and reported with its story.
The tape of that run is kept in `.explore/`, and is what the next session tries first; beside it is a
recording of the run.

Where the project is installed, this package is `compat_loop`, and not in `compat`. So it imports `compat` and `kernel`
by their names.
"""

from __future__ import annotations

import inspect
import os
import unittest
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from _pytest.runner import runtestprotocol

from compat.simulation import simulated
from kernel.sim.exploring import Exploration, frozen
from kernel.sim.jobs import check_jobs
from kernel.sim.runs import Run, Settings
from kernel.sim.searching import search
from kernel.sim.tapes import Misfit, Tape, load

from .progress import progress_of
from .recording import file_name

NAME = "trampoline_exploring"  # of the object that explores
DIRECTORY = ".explore"  # in the root directory of the session: tapes of failures
DEFAULTS: dict[str, Any] = {"strategy": "portfolio", "seconds": None, "bound": None}


class Explorer:
    """Explores the async tests of a session."""

    def __init__(self, config: pytest.Config, runs: int, seed: int | None, tape: Tape | None, jobs: int) -> None:
        self._config = config
        self._runs = runs
        self._jobs = jobs
        self._process = os.getpid()
        self._seed = seed
        self._tape = tape
        self._directory = config.rootpath / DIRECTORY
        self._run: Run | None = None  # that goes on
        self._misfit: Misfit | None = None  # what has ended it
        self._lines: list[str] = []  # for the end of the session
        self._made = self._explored = 0

    # Which tests, and how.

    def _arguments(self, item: pytest.Item) -> dict[str, Any] | None:
        """What the marker of `item`, or else the command line, says; None when it is not to be explored."""
        marker = item.get_closest_marker("explore")
        if marker is None and not is_async(item):
            return None
        arguments = DEFAULTS | {"runs": self._runs, "seed": self._seed, "jobs": self._jobs}
        if marker is not None:
            if marker.args:
                raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.explore takes its arguments by their names: "
                                        "explore(runs=100)")
            arguments |= marker.kwargs
        return arguments if arguments["runs"] else None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse wrong markers before any test runs."""
        for item in items:
            if (arguments := self._arguments(item)) is not None:
                try:
                    self._begin(**arguments)[0].next_run()
                except (TypeError, ValueError) as error:
                    raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.explore: {error}") from None

    def _begin(self, runs: int, strategy: str, seconds: float | None, seed: int | None, bound: int | None,
               jobs: int, **settings: Any) -> tuple[Exploration, int, float | None, int]:
        """An exploration with the arguments of a marker; how many runs and seconds it may take, and how many jobs."""
        check_jobs(jobs)
        return Exploration(strategy, seed, bound, cast(Settings, settings)), runs, seconds, jobs

    # The runs of a test.

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
        """Take all fixtures down before a test that is explored: each of its runs is as if it ran alone."""
        try:
            yield
        finally:
            if nextitem is not None and self._arguments(nextitem) is not None:
                item.session._setupstate.teardown_exact(None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        arguments = self._arguments(item)
        if arguments is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        with frozen():
            reports = self._explore(item, arguments)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _explore(self, item: pytest.Item, arguments: dict[str, Any]) -> list[pytest.TestReport]:
        """Make the runs of a test; the reports of the one that counts: the last one, which has failed or not."""
        self._explored += 1
        exploration, runs, seconds, jobs = self._begin(**arguments)
        report = exploration.report
        path = self._directory / f"{file_name(item.nodeid)[:-4]}.tape"
        reports: list[pytest.TestReport] = []

        def make(run: Run) -> None:
            if os.getpid() != self._process:
                self._begin_process()
            made = self._make(item, run)
            if run.failures or not run.cancels.injections:  # else a test may have failed that is in order
                reports[:] = made

        tape = self._tape if self._tape is not None else stored(path)
        if tape is not None:
            run = exploration.run_of(tape)
            try:
                make(run)
            except Misfit as error:
                if self._tape is not None:
                    raise pytest.UsageError(f"--explore-tape: {error}") from None
                path.unlink()
            else:
                if run.failures:
                    report.tape, report.failures = tape, run.failures
                elif self._tape is not None:
                    return reports
        try:
            if not report.failures:
                with progress_of(self._config, item.nodeid) as progress:
                    search(exploration, make, runs, seconds, jobs, progress,
                           lambda: any(one.skipped for one in reports))
        except KeyboardInterrupt:
            report.interrupted = True
            self._lines.append(f"{item.nodeid}: {report}")
            raise
        finally:
            self._made += report.runs
        if report.failures:
            hints = []
            if report.tape is not None:
                self._directory.mkdir(exist_ok=True)
                exploration.explain(make, path.with_suffix(".rec"))
                report.tape.save(path)
                hints.append(f"repeat it: pytest {item.nodeid!r} --compat-loop --explore-tape {path}")
            if any(failure.kind == "unsimulated" for failure in report.failures):
                hints.append("leave it out: @pytest.mark.explore(runs=0)")
            failures = "\n".join(str(failure) for failure in report.failures)
            mark_failed(reports, failures, "\n".join([str(report), *hints]))
        elif report.complete:
            self._lines.append(f"{item.nodeid}: {report.complete}")
        return reports

    def _begin_process(self) -> None:
        """This is a process for a part of the runs: what they print is captured here, and shown nowhere."""
        self._process = os.getpid()
        capturing: Any = self._config.pluginmanager.get_plugin("capturemanager")
        if capturing is not None and capturing.is_globally_capturing():
            with open(os.devnull, "r+b") as nothing:
                for descriptor in 1, 2:
                    os.dup2(nothing.fileno(), descriptor)
            capturing._global_capturing = None  # its files are also the parent's
            capturing.start_global_capturing()

    def _make(self, item: Any, run: Run) -> list[pytest.TestReport]:
        """Make one run of a test, with its fixtures."""
        item._initrequest()
        self._run = run
        try:
            with simulated(run):
                reports: list[pytest.TestReport] = runtestprotocol(item, log=False, nextitem=None)
        finally:
            self._run = None
        if self._misfit is not None:
            error, self._misfit = self._misfit, None
            raise error
        run.finish()
        return reports

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]
                                  ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._run is not None and report.failed and call.excinfo is not None:
            error = call.excinfo.value
            if isinstance(error, Misfit):
                self._misfit = error  # to be raised when the fixtures are taken down
            else:
                self._run.ended_with(error)
        return report

    @pytest.hookimpl
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Run an `async def` test for which the session has no other plugin."""
        if self._run is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
            return None
        import compat  # here, since only such tests need it
        names = pyfuncitem._fixtureinfo.argnames
        compat.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"explored: {self._explored} tests, {self._made:,} runs")
        for line in self._lines:
            terminalreporter.write_line(line)


def is_async(item: pytest.Item) -> bool:
    """Whether a test is a coroutine function, or one of a `unittest.IsolatedAsyncioTestCase`."""
    function = inspect.unwrap(getattr(item, "obj", None) or (lambda: None))
    cls: type = getattr(item, "cls", None) or object
    return inspect.iscoroutinefunction(function) or issubclass(cls, unittest.IsolatedAsyncioTestCase)


def stored(path: Path) -> Tape | None:
    """The tape that an earlier session has left, if there is one that can be read."""
    try:
        return load(path)
    except (OSError, ValueError):
        return None


def mark_failed(reports: list[pytest.TestReport], failures: str, story: str) -> None:
    """Have one of the `reports` fail, if none does, and tell it the story."""
    report = next((one for one in reports if one.failed), None)
    if report is None:
        report = next((one for one in reports if one.when == "call"), reports[-1])
        report.outcome, report.longrepr = "failed", failures
    report.sections.append(("Explored", story))


def activate(config: pytest.Config, runs: int | None, seed: int | None, tape: str | None, jobs: int) -> None:
    """Have the session of `config` explore its async tests."""
    if config.pluginmanager.has_plugin(NAME):
        return  # the plugin is loaded by both of its names
    if runs is not None and runs < 1:
        raise pytest.UsageError(f"--explore takes a number of runs from 1 on, not {runs}")
    try:
        recorded = None if tape is None else load(Path(tape))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--explore-tape: {error}") from None
    try:
        check_jobs(jobs)
    except ValueError as error:
        raise pytest.UsageError(f"--explore-jobs: {error}") from None
    config.pluginmanager.register(Explorer(config, runs or 1, seed, recorded, jobs), NAME)
