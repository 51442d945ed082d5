"""Scopes: stretches of a task's work that can be cancelled by themselves; what timeouts and task groups share.

A scope can cancel the task while the task is inside. At its end it decides whose cancellation has come: its own stops
there, and one from outside goes on. The task's count of cancel requests tells the two apart. While a request of anyone
else is outstanding, the scope lets the exception pass. So scopes can be nested in any order. `asyncio.timeout` has done
the same since Python 3.11.

A shielded section holds back a cancellation from outside, but not one by a scope inside of the section. So cleaning up
can be shielded and have a time limit. A scope that cancels its task lets one exception through the sections around it.
Once the task has been given that exception, the sections hold again, also while the task cleans up inside the scope.
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
        self._task: Task[Any] | None = None  # the task while it is inside, or waits at the end
        self._inside = False
        self._interrupted = False

    @property
    def owner(self) -> Task[Any] | None:
        """The task that is inside, or waits at the end."""
        return self._task

    def enter(self, task: Task[Any]) -> None:
        """Begin the scope: `task` is inside."""
        self.entered = True
        self._task = task
        self._inside = True
        self._section = sections.get(task) if task.shields else None
        self._requests = delivered(task)

    def _interrupt(self) -> None:
        """Cancel the task's work inside the scope."""
        assert self._task is not None
        self._interrupted = True
        if (section := self._around()) is not None:
            section.begin_cancelling()
        self._task.cancel()
        if self._task.interruption is None:  # the cancellation was delivered: the section holds again
            self._task.shields = abs(self._task.shields)

    def _around(self) -> Shielded | None:
        """The shielded section that the scope is in, if it is in one."""
        return None if self._section is None else self._section.lasting

    def _leave(self, error: BaseException | None) -> bool:
        """End the scope, whose body ended with `error` or without; True when that is the scope's own cancellation."""
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
                task.interruption = None  # the body ended before the task was given it
        return alone and isinstance(error, task.cancelled_type)
