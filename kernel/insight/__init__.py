"""Insight: a program or its author sees what a kernel does. The floors below work the same without this one.

`observer` reports the steps, requests, waits and wakes of a kernel's tasks to an object of the program. `tracebacks`
takes the library's own frames out of an exception before it is shown. The two are independent of each other; begin with
`observer`. `development` turns on what helps the author of a program: warnings of forgotten requests (`forgotten`) and
of slow steps (`stalls`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stalls import slow_steps as slow_steps

# Loaded at the first use of a name: a program without insight imports nothing of this.
_LATER = {"stalls": "slow_steps"}

if not TYPE_CHECKING:
    def __getattr__(name):
        for module, names in _LATER.items():
            if name in names.split():
                value = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
                return globals().setdefault(name, value)  # another thread may have set it meanwhile
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
