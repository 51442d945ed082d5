"""Sections of a task's work that are not cancelled from outside."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from ..syscalls import checkpoint
from ..task import Task
from .blocks import ANSWERED, Enter, inside

sections: dict[Task[Any], Shielded] = {}  # the innermost of each task that is in a shielded section


class Shielded:
    """A section of a task that is not cancelled from outside; made by `shielded`.

    `task.shields` is how many sections the task is in. The number is negative while a scope in the innermost of them
    has a cancellation on its way: the sections let that one through, and the task then makes the number positive again.
    """

    __slots__ = ("_held", "_lets_through_at_end", "_outer", "_requests", "_task", "cancelling", "entered")

    def __init__(self) -> None:
        self.entered = False
        self._task: Task[Any] | None = None  # while that is inside: a program may keep this object for longer
        self._held: BaseException | None = None
        self.cancelling = 0  # how many scopes of this section, but of none further in, are cancelling the task

    def enter(self, task: Task[Any]) -> None:
        self.entered = True
        self._task = task
        self._requests = delivered(task)
        self._outer = sections.get(task)
        self._lets_through_at_end = task.shields < 0
        sections[task] = self
        task.shields = abs(task.shields) + 1

    def leave(self) -> None:
        """End the section; a cancellation that was held back reaches the task where it suspends next."""
        task, self._task = self._task, None
        assert task is not None
        outer, inner = self._outer, sections[task]
        lets_through = task.shields < 0
        if inner is not self:  # it was entered in an async generator, which ends inside of a section of its caller
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
        if self.cancelling:  # scopes of the caller of such a generator, which go on outside of the section
            if outer is None:
                task.interruption = task.interruption or self._held
            else:
                outer.cancelling += self.cancelling
                outer._held = outer._held or self._held

    @property
    def lasting(self) -> Shielded | None:
        """This section while the task is in it, else the next one outwards that it is in."""
        section: Shielded | None = self
        while section is not None and section._task is None:
            section = section._outer
        return section

    def let_through(self) -> None:
        """Let the next cancellation through to this section: a scope of it is cancelling the task."""
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
        """A scope of this section begins to cancel the task; what was held back so far stays so."""
        assert self._task is not None
        self.cancelling += 1
        if self.cancelling == 1:
            self._held, self._task.interruption = self._task.interruption, None
        self.let_through()

    def end_cancelling(self) -> bool:
        """The reverse, when that scope ends; whether no other scope of this section cancels the task."""
        task = self._task
        assert task is not None
        self.cancelling -= 1
        if self.cancelling:
            return False
        task.shields = abs(task.shields)
        held, self._held = self._held, None
        # A request from outside may have been delivered together with the scope's own: it is held back again.
        requested = task.cancel_requests > self._requests
        task.interruption = (held or task.interruption or task.cancelled_type()) if requested else None
        return True

    def __aenter__(self) -> Enter[Shielded]:
        return Enter(self)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        task = inside(self)
        self.leave()
        # With an error on its way the cancellation can wait: it reaches the task where that suspends next.
        due = error is None and task.shields <= 0 and task.interruption is not None
        return checkpoint() if due else ANSWERED

    def __repr__(self) -> str:
        return "shielded()"


def shielded() -> Shielded:
    """`async with shielded():` holds back cancellation until the end of the block, where it is then raised.

    When the block ends with an exception, that exception goes on, and the cancellation is raised where the task
    suspends next. A timeout or a task group inside of the block is not held back; what cleans up after it there is
    shielded as before. A shutdown gives a task the kernel's `grace` to end such a block, as it does with any task that
    does not end when cancelled.
    """
    return Shielded()


def delivered(task: Task[Any]) -> int:
    """How many requests to cancel `task` have reached it: one that is still on its way does not count."""
    return task.cancel_requests - (task.interruption is not None)
