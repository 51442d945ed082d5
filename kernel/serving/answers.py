"""What a process answers to a tool: a copy of what its tasks do now, or a stream of what they do from now on.

Answers are made in a thread of their own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..core import Kernel
from ..insight.finding import running_kernels
from .asked import Refused, Stream, checked
from .pieces import to_json


def answer(request: Mapping[str, Any], wake: Callable[[], object]) -> str | Stream:
    """The text of the answer, or what makes it from now on: then `wake` is called whenever there is more to take."""
    asked = request.get("ask")
    if asked == "hello":
        return to_json(introduction())
    if asked == "snapshot":
        from ..snapshots.snapshots import snapshot  # here, to save start-up time: most programs are never asked
        return to_json(snapshot(data=checked(request, "data", bool, True)))
    if asked in ("strace", "summary"):
        from .traces import Trace  # here, for the same reason
        return Trace(request, wake)
    if asked == "top":
        from .live import Live  # here, for the same reason
        return Live(request)
    raise Refused(f"nothing is known here of {asked!r}: the program and the tool are of different versions")


def introduction() -> dict[str, Any]:
    """What `trampoline ps` says of a process without looking into it."""
    kernels = [kernel for _, kernel in running_kernels()]
    return {"pid": os.getpid(), "argv": sys.orig_argv, "python": sys.version.partition(" ")[0],
            "tasks": [count(kernel) for kernel in kernels]}


def count(kernel: Kernel) -> int:
    """How many tasks there are. The kernel's thread may make others while they are counted here."""
    while True:
        try:
            return len(kernel.everyone())
        except RuntimeError:  # a collection has changed its size
            continue
