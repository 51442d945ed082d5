"""`compat.install` holds in the child processes of `multiprocessing` as well.

A forked child has everything that its parent has. To a child that is spawned, or that the fork server starts, the
parent first sends a pickled dictionary. We put an `Arrival` into that dictionary. To unpickle it is to call `install`,
and the child does so before it imports the program's main module.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .other_loops import Replace

# The child may have another `sys.path` than its parent until the parent's, which comes later, takes its place.
INSTALL = """\
import sys
sys.path.insert(0, {directory!r})
from compat import install
install(legacy={legacy!r})
"""


class Arrival:
    """Calls `install` where it is unpickled."""

    def __init__(self, legacy: bool) -> None:
        self._legacy = legacy

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str, dict[str, object]]]:
        directory = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        return exec, (INSTALL.format(directory=directory, legacy=self._legacy), {})


def install_in_children(spawn: ModuleType, replace: Replace, is_legacy: Callable[[], bool]) -> None:
    """Have `multiprocessing.spawn` send an `Arrival`, for `install(legacy=True)` if `is_legacy()` says so then."""
    original: Callable[[str], dict[str, Any]] = spawn.get_preparation_data

    @functools.wraps(original)
    def get_preparation_data(name: str) -> dict[str, Any]:
        return {"compat": Arrival(is_legacy()), **original(name)}

    replace(spawn, "get_preparation_data", get_preparation_data)
