"""Event loops of other makes in a process where `compat.install` holds: replaced where one will do, else noticed.

Servers choose uvloop by themselves where it is installed, and ask it for a new event loop: they get one of this
project's. `uvloop.run` insists on a loop of its own class. It keeps that, and one warning says so.
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
    """Have `module`, which makes event loops, make this project's; and warn of the first that is its own all the same."""
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
            replace(cls, "__init__", announced(cls.__init__, warn))  # type: ignore[misc]  # called as it was before


def announced(initialize: Callable[..., None], announce: Callable[[], None]) -> Callable[..., None]:
    @functools.wraps(initialize)
    def __init__(self: object, *args: Any, **kwargs: Any) -> None:
        announce()
        initialize(self, *args, **kwargs)

    return __init__


def distance(make: str) -> int:
    """The `stacklevel`, for who called, of the program that wants a loop: of the first frame that is no library's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and (
            frame.f_globals.get("__name__", "").partition(".")[0] in (__package__, "asyncio", make)):
        level, frame = level + 1, frame.f_back
    return level
