"""The pytest plugin by which an existing test suite is run on the event loop of `compat`: `pytest --compat-loop`.

Where this project is installed, this folder is a package of its own, `compat_loop`, and every pytest session loads it.
Such a session may be that of a project which has a `compat.py`: so the name is one that no other project has, and this
file imports nothing but pytest. All that it does is to look whether it is asked; what is done then is in `session.py`.

Where the project is not installed, `pytest -p compat.plugin` loads it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest import Config, Parser, PytestPluginManager

NAMES = {"compat_loop", "compat.plugin"}


def pytest_addoption(parser: Parser, pluginmanager: PytestPluginManager) -> None:
    if any(pluginmanager.has_plugin(name) for name in NAMES - {__name__}):
        return  # it is installed, and asked for by `-p` as well
    group = parser.getgroup("compat", "the event loop of compat")
    group.addoption("--compat-loop", action="store_true",
                    help="run the tests with every asyncio event loop being compat.EventLoop")
    group.addoption("--compat-legacy", action="store_true",
                    help="the same, and asyncio has again what it has dropped since Python 3.4")


@pytest.hookimpl(tryfirst=True)  # conftest.py may import names from asyncio, or make loops
def pytest_load_initial_conftests(early_config: Config) -> None:
    options = early_config.known_args_namespace
    if options.compat_loop or options.compat_legacy:
        try:
            import compat  # here, since asyncio and all the rest come with the session

            check_ours(compat.__file__)
            from .session import activate  # here for the same reason
        except ImportError as error:
            raise pytest.UsageError(f"--compat-loop: {error}") from error
        activate(early_config, legacy=options.compat_legacy)


def check_ours(found: str | None) -> None:
    """Raise the `ImportError` that says so where `import compat` gives another file, `found`, than this project's."""
    here = os.path.dirname(os.path.abspath(__file__))
    parent = os.path.dirname(here)
    package = parent if os.path.basename(here) == "plugin" else os.path.join(parent, "compat")
    ours = os.path.join(package, "__init__.py")
    if found is not None and os.path.exists(found) and os.path.exists(ours) and not os.path.samefile(found, ours):
        raise ImportError(f"'import compat' finds {found}, and not the package {package}: rename that file")
