"""The pytest plugin by which an existing test suite is run on the event loop of `compat`: `pytest --compat-loop`.

`pytest --compat-loop --explore RUNS` runs each async test so often in simulation, under other schedules each time.

`pytest --record-dir DIRECTORY` records the tests of any suite, and keeps the recordings of those that fail.

Where this project is installed, this folder is the package `compat_loop`, and every pytest session loads it. A project
that is tested there may have a `compat.py` of its own, so the package needs a name that no other project has. This file
imports nothing but pytest. It only looks what the session asks for; then `session.py`, `exploring.py` and `recording.py`
do the work.

Where this project is not installed, `pytest -p compat.plugin` loads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest import Config, Parser, PytestPluginManager

NAMES = {"compat_loop", "compat.plugin"}
MARKER = ("explore(runs, strategy, seconds, seed, bound, jobs, checks, ...): how `--explore` runs this test; "
          "explore(runs=0) leaves it out")


def pytest_addoption(parser: Parser, pluginmanager: PytestPluginManager) -> None:
    if any(pluginmanager.has_plugin(name) for name in NAMES - {__name__}):
        return  # the project is installed, and `-p` has loaded this file as well
    group = parser.getgroup("compat", "the event loop of compat")
    group.addoption("--compat-loop", action="store_true",
                    help="run the tests with every asyncio event loop being compat.EventLoop")
    group.addoption("--compat-legacy", action="store_true",
                    help="the same, and asyncio has again what it has dropped since Python 3.4")
    group.addoption("--record-dir", metavar="DIRECTORY",
                    help="record what tests do on the kernel, or on compat's loop, and keep a file for each that fails")
    group.addoption("--explore", type=int, metavar="RUNS",
                    help="with --compat-loop: run each async test so often in simulation, under other schedules each time")
    group.addoption("--explore-seed", type=int, metavar="SEED",
                    help="explore the same schedules as the session that named it")
    group.addoption("--explore-jobs", type=int, metavar="N", default=1,
                    help="explore each test in N processes at a time, of which each makes a part of the runs")
    group.addoption("--explore-tape", metavar="FILE",
                    help="repeat the run of this tape, for the one test that is selected")


def pytest_configure(config: Config) -> None:
    config.addinivalue_line("markers", MARKER)  # which a suite may have, and be run without the option


@pytest.hookimpl(tryfirst=True)  # conftest.py may import names from asyncio, or make loops
def pytest_load_initial_conftests(early_config: Config) -> None:
    options = early_config.known_args_namespace
    if options.record_dir is not None:
        from .recording import activate as begin_to_record  # here, to save the start-up time of sessions that do not ask
        begin_to_record(early_config, options.record_dir)
    if options.compat_loop or options.compat_legacy:
        try:
            import compat  # here, to save the start-up time of sessions that do not ask

            if not hasattr(compat, "uninstall"):
                raise ImportError(f"'import compat' finds {compat.__file__}, which is not the package that this option "
                                  "belongs to: rename that file")
            from .session import activate  # here for the same reason
        except ImportError as error:
            raise pytest.UsageError(f"--compat-loop: {error}") from error
        activate(early_config, legacy=options.compat_legacy)
    if options.explore is not None or options.explore_tape is not None:
        if not (options.compat_loop or options.compat_legacy):
            raise pytest.UsageError("--explore needs --compat-loop: what explores is the event loop of compat")
        from .exploring import activate as begin_to_explore  # here for the same reason
        begin_to_explore(early_config, options.explore, options.explore_seed, options.explore_tape,
                         options.explore_jobs)
