"""Child processes of `multiprocessing`, where `compat.install` holds: it holds in them as well.

One that is forked has it all. One that is spawned, or comes from the fork server, is first sent what it needs to know of
its parent, which `multiprocessing` pickles: `Arrival` is put among that, and to unpickle it is to call `install`. That is
before the program's main module is imported there.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .other_loops import Replace

# The child may have another `sys.path` until it is told of its parent's, which then takes the place of this one.
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
    """Have `multiprocessing.spawn` send an `Arrival` along; `is_legacy` says what of `install` is in force then."""
    original: Callable[[str], dict[str, Any]] = spawn.get_preparation_data

    @functools.wraps(original)
    def get_preparation_data(name: str) -> dict[str, Any]:
        return {"compat": Arrival(is_legacy()), **original(name)}

    replace(spawn, "get_preparation_data", get_preparation_data)
