"""The streams of `trampoline strace`: a line for each request, or at the end a summary of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core import Kernel
from ..insight.finding import running_kernels
from ..insight.requests import KINDS
from ..insight.strace import Strace
from ..insight.summary import Summary
from ..insight.watching import Observer
from .asked import Refused, checked
from .backlog import Backlog
from .observing import Observing


class Trace(Observing):
    """Writes lines as things happen, or counts and gives a summary at the end."""

    def __init__(self, request: Mapping[str, Any], wake: Callable[[], object]) -> None:
        super().__init__()
        kinds = checked(request, "kinds", list, None)
        if kinds is not None and not set(map(str, kinds)) <= set(KINDS):
            raise Refused(f"unknown kinds of requests in {kinds!r:.100}; there are {', '.join(KINDS)}")
        task = checked(request, "task", str, None)
        self._backlog = Backlog(wake)
        self._observer: Observer
        if request["ask"] == "summary":
            self._observer = summary = Summary(kinds=kinds, task=task)
            self._finish: Callable[[], object] = int
            self._rest: Callable[[], str] = summary.text
        else:
            self._observer = strace = Strace(self._backlog.write, kinds=kinds, task=task,
                                             data=checked(request, "data", bool, True),
                                             durations=checked(request, "durations", bool, False),
                                             relative=checked(request, "relative", bool, False))
            self._finish, self._rest = strace.finish, self.take
        self.attach(kernel for _, kernel in running_kernels())

    def observer_of(self, kernel: Kernel) -> Observer:
        return self._observer

    def take(self) -> str:
        return self._backlog.take()

    def rest(self) -> str:
        return self._rest()

    def left(self, kernel: Kernel) -> None:
        self._finish()
