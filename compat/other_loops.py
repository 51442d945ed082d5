"""Event loops of other makes, such as uvloop, in a process where `compat.install` holds.

Where uvloop is installed, servers choose it by themselves: they call `uvloop.new_event_loop`, which gives them a loop
of this project's. `uvloop.run` insists on a loop of uvloop's class. It gets that, and the first such loop gives a
warning.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .events import new_event_loop

MAKES = "uvloop", "rloop"

Replace = Callable[[Any, str, Any], object]  # put a value in the place of an attribute, until `compat.uninstall`


def use_ours(module: ModuleType, replace: Replace) -> None:
    """Have `module.new_event_loop` make this project's loops, and warn of the first loop of the module's own class."""
    make = module.__name__
    warned = False

    def warn() -> None:
        nonlocal warned
        if not warned:
            warned = True
            warnings.warn(f"this program runs on an event loop of {make}'s, and not on compat's, although compat is "
                          f"installed in this process: use asyncio.run(main()) where it uses {make}.run(main()) or "
                          f"the class of {make}'s loop", RuntimeWarning, stacklevel=distance(make))

    replace(module, "new_event_loop", new_event_loop)
    for cls in list(vars(module).values()):
        if isinstance(cls, type) and issubclass(cls, asyncio.AbstractEventLoop) and (
                cls.__module__.partition(".")[0] == make):
            replace(cls, "__init__", announced(cls.__init__, warn))  # type: ignore[misc]  # same arguments


def announced(initialize: Callable[..., None], announce: Callable[[], None]) -> Callable[..., None]:
    @functools.wraps(initialize)
    def __init__(self: object, *args: Any, **kwargs: Any) -> None:
        announce()
        initialize(self, *args, **kwargs)

    return __init__


def distance(make: str) -> int:
    """The `stacklevel`, in the caller, of the frame that wants a loop: the first that is not of a library."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and (
            frame.f_globals.get("__name__", "").partition(".")[0] in (__package__, "asyncio", make)):
        level, frame = level + 1, frame.f_back
    return level
