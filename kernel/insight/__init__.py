"""Insight: a program or its author sees what a kernel does. The floors below it work the same without this one.

What happens is told to observers (`watching`): `strace` writes a line for each request, `summary` counts and measures,
and `recorder` keeps the last events in memory, of which `explaining` makes out who kept a task waiting. How things
stand at one moment is in a snapshot (`snapshots`), of which `listing` makes text, also on a signal (`dumping`). Other
processes are let in by `serving`. `development` turns on what warns the author of a program: of forgotten requests
(`forgotten`) and of slow steps (`stalls`). `tracebacks` takes the library's own frames out of an exception before it is
shown.

To read the source, begin with `requests` (what a task waits for), then `watching`, and then what is of interest: for a
snapshot `relations` (who waits for whom), `copying` and `snapshots`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .dumping import dump_on
    from .explaining import explain
    from .recorder import Recorder, why
    from .serving import offer, withdraw
    from .snapshots import snapshot, tasks
    from .stalls import slow_steps
    from .strace import Strace
    from .summary import Summary
    from .watching import Observer, watch, watch_all

__all__ = ["Observer", "Recorder", "Strace", "Summary", "dump_on", "explain", "offer", "slow_steps", "snapshot", "tasks",
           "watch", "watch_all", "why", "withdraw"]

# Loaded at the first use of a name, as the names of `kernel` are. No module has the name of a function.
_LATER = {"dumping": "dump_on", "explaining": "explain", "recorder": "Recorder why", "serving": "offer withdraw",
          "snapshots": "snapshot tasks", "stalls": "slow_steps", "strace": "Strace", "summary": "Summary",
          "watching": "Observer watch watch_all"}

if not TYPE_CHECKING:
    def __getattr__(name):
        for module, names in _LATER.items():
            if name in names.split():
                value = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
                return globals().setdefault(name, value)  # another thread may have set it meanwhile
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
