"""Shielded sections: stretches of a task's work that nobody can cancel from outside."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from ..syscalls import checkpoint
from ..task import Task
from .blocks import ANSWERED, Enter, inside

sections: dict[Task[Any], Shielded] = {}  # the innermost section of each task that is in one


class Shielded:
    """A section of a task's work that nobody can cancel from outside; made by `shielded`.

    `task.shields` is the number of sections that the task is in. It is negative while a scope in the innermost section
    has a cancellation on its way. The sections let that one through. When the task is given it, the task makes the
    number positive again.
    """

    __slots__ = ("_held", "_lets_through_at_end", "_outer", "_requests", "_task", "cancelling", "entered")

    def __init__(self) -> None:
        self.entered = False
        self._task: Task[Any] | None = None  # None outside, since a program may keep this object
        self._held: BaseException | None = None
        self.cancelling = 0  # how many scopes whose innermost section is this one are cancelling the task

    def enter(self, task: Task[Any]) -> None:
        """Begin the section: `task` is inside."""
        self.entered = True
        self._task = task
        self._requests = delivered(task)
        self._outer = sections.get(task)
        self._lets_through_at_end = task.shields < 0
        sections[task] = self
        task.shields = abs(task.shields) + 1

    def leave(self) -> None:
        """End the section. A cancellation that was held back is raised where the task suspends next."""
        task, self._task = self._task, None
        assert task is not None
        outer, inner = self._outer, sections[task]
        lets_through = task.shields < 0
        if inner is not self:  # an async generator has entered it, and leaves it while its caller is in a section too
            while inner._outer is not self:
                assert inner._outer is not None
                inner = inner._outer
            inner._outer = outer
            inner._lets_through_at_end |= self._lets_through_at_end
        else:
            lets_through |= self._lets_through_at_end
            if outer is None:
                del sections[task]
            else:
                sections[task] = outer
        task.shields = (abs(task.shields) - 1) * (-1 if lets_through else 1)
        if self.cancelling:  # scopes of the caller of such a generator; they go on outside of the section
            if outer is None:
                task.interruption = task.interruption or self._held
            else:
                outer.cancelling += self.cancelling
                outer._held = outer._held or self._held

    @property
    def lasting(self) -> Shielded | None:
        """This section while the task is in it, else the next section outwards that the task is in."""
        section: Shielded | None = self
        while section is not None and section._task is None:
            section = section._outer
        return section

    def let_through(self) -> None:
        """A scope of this section is cancelling the task: let one cancellation through to this section."""
        task = self._task
        assert task is not None
        section = sections[task]
        if section is self:
            task.shields = -abs(task.shields)
            return
        while section._outer is not self:
            assert section._outer is not None
            section = section._outer
        section._lets_through_at_end = True

    def begin_cancelling(self) -> None:
        """A scope of this section begins to cancel the task. A cancellation held back so far stays held back."""
        assert self._task is not None
        self.cancelling += 1
        if self.cancelling == 1:
            self._held, self._task.interruption = self._task.interruption, None
        self.let_through()

    def end_cancelling(self) -> bool:
        """That scope has ended. True when no other scope of this section is cancelling the task."""
        task = self._task
        assert task is not None
        self.cancelling -= 1
        if self.cancelling:
            return False
        task.shields = abs(task.shields)
        held, self._held = self._held, None
        # A request from outside may have been delivered together with the scope's own: hold it back again.
        requested = task.cancel_requests > self._requests
        task.interruption = (held or task.interruption or task.cancelled_type()) if requested else None
        return True

    def __aenter__(self) -> Enter[Shielded]:
        return Enter(self)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        task = inside(self)
        self.leave()
        # When an error leaves the block, the cancellation can wait until the task suspends next.
        due = error is None and task.shields <= 0 and task.interruption is not None
        return checkpoint() if due else ANSWERED

    def __repr__(self) -> str:
        return "shielded()"


def shielded() -> Shielded:
    """`async with shielded():` holds a cancellation back until the end of the block, and raises it there.

    When the block ends with an exception, that exception goes on, and `Cancelled` is raised where the task suspends
    next. A timeout or a task group inside of the block can still cancel its own part of it; code in the block that
    cleans up after that is shielded as before. At a shutdown a task has the kernel's `grace` to end such a block, like
    every task that goes on after its cancellation.
    """
    return Shielded()


def delivered(task: Task[Any]) -> int:
    """The count of requests to cancel `task`, without the one that is still on its way to it."""
    return task.cancel_requests - (task.interruption is not None)
