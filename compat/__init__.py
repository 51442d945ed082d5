"""asyncio on the kernel: `import compat as asyncio`.

Every name of `asyncio.__all__` is here, and those that asyncio has dropped since Python 3.4. The event loop, futures,
tasks and what makes them are this project's; the rest of asyncio, which works on any loop, is the standard library's.

The names are in `names.py`. Importing this package does not load them, nor asyncio: the first use of a name does.
In this package no file says `from . import module`: Python would look for a name here first, and so load all of them.
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if _sys.platform == "win32":
    raise ImportError(f"compat runs on Unix only: its event loop stands on the one that asyncio has for Unix, and not "
                      f"for {_sys.platform}. Here `import kernel` works, with tasks, timers, queues, threads and "
                      f"sockets; asyncio programs run on asyncio itself", name=__name__)

from .shadows import check_kernel as _check_kernel

_check_kernel()

if TYPE_CHECKING:
    from .names import *

    __all__: list[str]
else:

    def __getattr__(name: str) -> object:
        """Load the names when one is used first."""
        if not name.startswith("__") or name == "__all__":  # Python and its tools look for other such in every module
            _load()
            if name in globals():
                return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        _load()
        return sorted(globals())

    def _load() -> None:
        """Make the names plain attributes of this module."""
        _check_kernel()  # again: the program may have changed where Python looks for modules
        for name, value in vars(_import_module(".names", __name__)).items():
            globals().setdefault(name, value)  # asyncio's `transports` does not replace our module of that name
        # Now that all of them are there. Python looks an attribute up in half the time where a module has no such
        # function.
        globals().pop("__getattr__", None)
        globals().pop("__dir__", None)
