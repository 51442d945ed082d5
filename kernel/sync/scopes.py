"""Structured concurrency: stretches of a task's work that can be cancelled by themselves, or shielded.

A `Scope` is what a timeout and a task group have in common: it cancels the task while that is inside, and at the end
tells its own cancellation, which stops there, from one that came from outside and goes on. The task's count of
requests decides: as long as anyone else's is outstanding, the exception is not the scope's to stop. That is how scopes
nest in any order, and how `asyncio.timeout` does it since Python 3.11.

A shielded section holds back what comes from outside of it, not what a scope inside of it asks for: cleaning up can be
shielded and have a time limit. So a scope that cancels its task lets one exception through the sections around it. Once
the task has been given that exception, the sections hold again, also while the task cleans up inside the scope.
"""

from __future__ import annotations

from typing import Any

from ..task import Task
from .shields import Shielded, delivered, sections


class Scope:
    """A stretch of a task's work that can be cancelled by itself; the base of timeouts and task groups."""

    __slots__ = ("_inside", "_interrupted", "_requests", "_section", "_task", "entered")

    def __init__(self) -> None:
        self.entered = False
        self._task: Task[Any] | None = None  # while that is inside, or waits at the end
        self._inside = False
        self._interrupted = False

    def enter(self, task: Task[Any]) -> None:
        self.entered = True
        self._task = task
        self._inside = True
        self._section = sections.get(task) if task.shields else None
        self._requests = delivered(task)

    def _interrupt(self) -> None:
        """Cancel what the task does inside the scope."""
        assert self._task is not None
        self._interrupted = True
        if (section := self._around()) is not None:
            section.begin_cancelling()
        self._task.cancel()
        if self._task.interruption is None:  # it was delivered: the section holds again
            self._task.shields = abs(self._task.shields)

    def _around(self) -> Shielded | None:
        """The section that the scope is in."""
        return None if self._section is None else self._section.lasting

    def _leave(self, error: BaseException | None) -> bool:
        """End the scope; whether `error`, with which its body ended, is the scope's own cancellation."""
        task = self._task
        assert task is not None
        self._inside = False
        if not self._interrupted:
            return False
        requests = task.uncancel()
        if (section := self._around()) is not None:
            alone = section.end_cancelling()
        else:
            alone = requests <= self._requests
            if alone:
                task.interruption = None  # the body ended before it was told
        return alone and isinstance(error, task.cancelled_type)
