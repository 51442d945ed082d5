"""Insight: a program or its author sees what a kernel does. The floors below work the same without this one.

`observer` reports the steps, requests, waits and wakes of a kernel's tasks to an object of the program. `snapshots`
says what all tasks do at one moment, `listing` prints that, and `dumping` does so on a signal. `tracebacks` takes the
library's own frames out of an exception before it is shown.

To see how a snapshot is made, begin with `requests` (what a task waits for), then `relations` (who waits for whom),
`copying` and `snapshots`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dumping import dump_on
    from .snapshots import snapshot, tasks

__all__ = ["dump_on", "snapshot", "tasks"]

# Loaded at the first use of a name: a program that has an observer does not need these.
_LATER = {"dump_on": "dumping", "snapshot": "snapshots", "tasks": "snapshots"}

if not TYPE_CHECKING:
    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(__import__(f"{__name__}.{_LATER[name]}", fromlist=[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
