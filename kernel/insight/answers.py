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
from .backlog import Backlog
from .finding import running_kernels
from .requests import KINDS

PATIENCE = 0.25  # seconds that a kernel has to make a call


class Refused(Exception):
    """A request that cannot be answered; the message says why."""


class Call:
    """A call of `function(kernel)` in the kernel's own thread, for which another thread waits."""

    def __init__(self, kernel: Kernel, function: Callable[[Kernel], Any]) -> None:
        self.kernel = kernel
        self.value: Any = None
        self._function = function
        self._error: Exception | None = None
        self._made = threading.Event()
        self._given_up = False
        try:
            kernel.call_from_thread(self._make)
        except RuntimeError:  # it has been closed, and never will
            self._given_up = True

    def _make(self) -> None:
        if not self._given_up:
            try:
                self.value = self._function(self.kernel)
            except Exception as error:  # it is raised where the call is waited for
                self._error = error
            self._made.set()

    def is_made(self, deadline: float) -> bool:
        """Wait until the call has been made; False when it has not been by `deadline`."""
        made = not self._given_up and self._made.wait(max(0.0, deadline - time.monotonic()))
        if self._error is not None:
            raise self._error
        return made

    def give_up(self) -> None:
        """The call need not be made any more."""
        self._given_up = True


def call_in_each(kernels: Iterable[Kernel], function: Callable[[Kernel], Any]) -> list[tuple[Call, bool]]:
    """Call `function(kernel)` in the thread of each; return the calls, and for each whether it was made in time."""
    calls = [Call(kernel, function) for kernel in kernels]  # all at once: together they wait no longer than one
    deadline = time.monotonic() + PATIENCE
    return [(call, call.is_made(deadline)) for call in calls]


def answer(request: Mapping[str, Any], wake: Callable[[], object]) -> str | Stream:
    """The text of the answer, or what makes it from now on: then `wake` is called whenever there is more to take."""
    asked = request.get("ask")
    if asked == "hello":
        return to_json(introduction())
    if asked == "snapshot":
        return to_json(copied(checked(request, "data", bool, True)))
    if asked in ("strace", "summary"):
        return Stream(request, wake)
    raise Refused(f"nothing is known here of {asked!r}: the program and the tool are of different versions")


def to_json(value: object) -> str:
    import json  # here, to save start-up time: most programs are never asked
    return json.dumps(value) + "\n"


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


def copied(data: bool) -> dict[str, Any]:
    """The snapshot of all kernels of this process. A kernel that is stuck is copied from outside."""
    from .snapshot import copy_kernel, plain  # here, to save start-up time: most programs are never asked
    kernels = [kernel for _, kernel in running_kernels()]
    copies = []
    for call, in_time in call_in_each(kernels, copy_kernel):
        call.give_up()
        copies.append(call.value if in_time else copy_kernel(call.kernel))
    return plain(copies, data=data)


class Stream:
    """An observer at work for a tool: it writes lines as things happen, or counts and gives a summary at the end."""

    def __init__(self, request: Mapping[str, Any], wake: Callable[[], object]) -> None:
        kinds = checked(request, "kinds", list, None)
        if kinds is not None and not set(map(str, kinds)) <= set(KINDS):
            raise Refused(f"unknown kinds of requests in {kinds!r:.100}; there are {', '.join(KINDS)}")
        task = checked(request, "task", str, None)
        # Here, to save start-up time: most programs are never asked.
        from .strace import Strace
        from .summary import Summary
        self._backlog = Backlog(wake)
        self._summary = Summary(kinds=kinds, task=task) if request["ask"] == "summary" else None
        observer: Any = self._summary
        if observer is None:
            observer = Strace(self._backlog.write, kinds=kinds, task=task, data=checked(request, "data", bool, True),
                              durations=checked(request, "durations", bool, False),
                              relative=checked(request, "relative", bool, False))
        from .watching import watch  # as above
        self._watches: dict[Kernel, Any] = {}
        self._over = False

        def begin(kernel: Kernel) -> None:
            if not self._over:
                self._watches[kernel] = watch(observer, kernel)

        self._kernels = [kernel for _, kernel in running_kernels()]
        for kernel in self._kernels:
            Call(kernel, begin)  # nobody waits for it: a kernel that is stuck now is watched when it goes on

    def take(self) -> str:
        """What has come since the last time."""
        return self._backlog.take()

    def end(self) -> str:
        """Stop, and leave the kernels as they were; return what is still to be sent."""
        self._over = True
        call_in_each(self._kernels, self._leave)  # after `begin`; one that is stuck does it when it goes on
        return self.take() if self._summary is None else self._summary.text()

    def _leave(self, kernel: Kernel) -> None:
        watching = self._watches.pop(kernel, None)
        if watching is not None:
            watching.stop()
