"""Insight: a program or its author sees what a kernel does. The floors below it work the same without this one.

What happens is told to observers (`watching`): `strace` writes a line for each request, `summary` counts and measures,
`usage` measures for a live view, and `recorder` keeps the last events in memory, of which `explaining` makes out who
kept a task waiting. `development` turns on what warns the author of a program: of forgotten requests (`forgotten`) and
of slow steps (`stalls`). `tracebacks` takes the library's own frames out of an exception before it is shown. To read the
source, begin with `requests` (what a task waits for), then `watching`. `free_waits` finds tasks that wait in vain.

Three floors above belong to this one: `kernel.snapshots` says how things stand at one moment, `kernel.serving` lets
other processes look, and `kernel.recordings` keeps all that happened in a file. This module names what all four offer
to a program.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..recordings.sessions import record
    from ..serving.service import offer, withdraw
    from ..snapshots.dumping import dump_on
    from ..snapshots.snapshots import snapshot, tasks
    from .explaining import explain
    from .recorder import Recorder, why
    from .stalls import slow_steps
    from .strace import Strace
    from .summary import Summary
    from .watching import Observer, watch, watch_all

__all__ = ["Observer", "Recorder", "Strace", "Summary", "dump_on", "explain", "offer", "record", "slow_steps", "snapshot",
           "tasks", "watch", "watch_all", "why", "withdraw"]

# Loaded at the first use of a name, as the names of `kernel` are. No module has the name of a function.
_LATER = {"insight.explaining": "explain", "insight.recorder": "Recorder why", "insight.stalls": "slow_steps",
          "insight.strace": "Strace", "insight.summary": "Summary", "insight.watching": "Observer watch watch_all",
          "recordings.sessions": "record", "serving.service": "offer withdraw", "snapshots.dumping": "dump_on",
          "snapshots.snapshots": "snapshot tasks"}

if not TYPE_CHECKING:
    def __getattr__(name):
        for module, names in _LATER.items():
            if name in names.split():
                value = getattr(__import__(f"kernel.{module}", fromlist=[name]), name)
                return globals().setdefault(name, value)  # another thread may have set it meanwhile
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
