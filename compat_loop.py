"""The pytest plugin by which an existing test suite is run on the event loop of `compat`: `pytest --compat-loop`.

Every pytest session of an environment where this project is installed loads this file, so it does nothing but look
whether it is asked to; importing a module of `compat` would import asyncio and all the rest. What the plugin does when
it is asked is in `compat.pytest_plugin`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest import Config, Parser


def pytest_addoption(parser: Parser) -> None:
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
            from compat import pytest_plugin
        except ImportError as error:
            raise pytest.UsageError(f"--compat-loop: {explained(error)}") from error
        pytest_plugin.activate(early_config, legacy=options.compat_legacy)


def explained(error: ImportError) -> str:
    """What is wrong where this project's `compat` cannot be imported: most often another file is called so."""
    found = getattr(sys.modules.get("compat"), "__file__", None)
    ours = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compat", "__init__.py")
    if found is None or not os.path.exists(ours) or os.path.samefile(found, ours):
        return str(error)
    return f"'import compat' finds {found}, and not the package {os.path.dirname(ours)}: rename that file"
