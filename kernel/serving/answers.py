"""What a process answers to a tool: a copy of what its tasks do now, or a stream of what they do from now on.

Answers are made in a thread of their own. What only the kernel's thread may do is done there, by a call, and waited for
for a short time: a kernel that is stuck in a step makes no calls.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core import Kernel
from ..insight.finding import running_kernels
from ..insight.requests import KINDS
from .backlog import Backlog

PATIENCE = 0.25  # seconds that a kernel has to make a call


class Refused(Exception):
    """A request that cannot be answered; the message says why."""


def call_in_each(kernels: Iterable[Kernel], function: Callable[[Kernel], object]) -> list[threading.Event]:
    """Call `function(kernel)` in the thread of each; return events that say that the calls have been made."""
    made = []
    for kernel in kernels:
        event = threading.Event()
        try:
            kernel.call_from_thread(call, function, kernel, event)
        except RuntimeError:  # it has been closed
            continue
        made.append(event)
    return made


def call(function: Callable[[Kernel], object], kernel: Kernel, made: threading.Event) -> None:
    try:
        function(kernel)
    finally:
        made.set()


def answer(request: Mapping[str, Any], wake: Callable[[], object]) -> str | Stream:
    """The text of the answer, or what makes it from now on: then `wake` is called whenever there is more to take."""
    asked = request.get("ask")
    if asked == "hello":
        return to_json(introduction())
    if asked == "snapshot":
        from ..snapshots.snapshots import snapshot  # here, to save start-up time: most programs are never asked
        return to_json(snapshot(data=checked(request, "data", bool, True)))
    if asked in ("strace", "summary"):
        return Stream(request, wake)
    raise Refused(f"nothing is known here of {asked!r}: the program and the tool are of different versions")


def to_json(value: object) -> str:
    return in_pieces(value, 4) + "\n"  # of a snapshot down to each task and each lock


def in_pieces(value: object, levels: int) -> str:
    """`value` as JSON. The upper levels are put together here: in the encoder no other thread of the program can run."""
    import json  # here, to save start-up time: most programs are never asked
    if levels and isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {in_pieces(item, levels - 1)}" for key, item in value.items()) + "}"
    if levels and isinstance(value, list):
        return "[" + ", ".join(in_pieces(item, levels - 1) for item in value) + "]"
    return json.dumps(value)


def checked(request: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """The value of `name` in a request, if it is of the type that it should be."""
    value = request.get(name, default)
    if value is not default and not isinstance(value, kind):
        raise Refused(f"{name!r} has to be of type {kind.__name__}, and is {value!r:.100}")
    return value


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


class Stream:
    """An observer at work for a tool: it writes lines as things happen, or counts and gives a summary at the end."""

    def __init__(self, request: Mapping[str, Any], wake: Callable[[], object]) -> None:
        kinds = checked(request, "kinds", list, None)
        if kinds is not None and not set(map(str, kinds)) <= set(KINDS):
            raise Refused(f"unknown kinds of requests in {kinds!r:.100}; there are {', '.join(KINDS)}")
        task = checked(request, "task", str, None)
        # Here, to save start-up time: most programs are never asked.
        from ..insight.strace import Strace
        from ..insight.summary import Summary
        from ..insight.watching import Observer, Watching, watch
        self._backlog = Backlog(wake)
        observer: Observer
        if request["ask"] == "summary":
            observer = summary = Summary(kinds=kinds, task=task)
            self._finish: Callable[[], object] = int
            self._rest: Callable[[], str] = summary.text
        else:
            observer = strace = Strace(self._backlog.write, kinds=kinds, task=task,
                                       data=checked(request, "data", bool, True),
                                       durations=checked(request, "durations", bool, False),
                                       relative=checked(request, "relative", bool, False))
            self._finish, self._rest = strace.finish, self.take
        self._watches: dict[Kernel, Watching] = {}
        self._over = False

        def begin(kernel: Kernel) -> None:
            if not self._over:
                self._watches[kernel] = watch(observer, kernel)

        self._kernels = [kernel for _, kernel in running_kernels()]
        call_in_each(self._kernels, begin)  # nobody waits: a kernel that is stuck now is watched when it goes on

    def take(self) -> str:
        """What has come since the last time."""
        return self._backlog.take()

    def end(self) -> str:
        """Stop, and leave the kernels as they were; return what is still to be sent."""
        self._over = True
        until = time.monotonic() + PATIENCE
        for made in call_in_each(self._kernels, self._leave):
            made.wait(max(0.0, until - time.monotonic()))  # a kernel that is stuck leaves when it goes on
        return self._rest()

    def _leave(self, kernel: Kernel) -> None:
        watching = self._watches.pop(kernel, None)
        if watching is not None:
            watching.stop()
            self._finish()
