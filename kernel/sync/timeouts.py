"""Timeouts: blocks with a time limit. A timer cancels the task in the block, and the block's end says so."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from ..checks import check_seconds
from ..core import Kernel
from ..task import Task
from .blocks import ANSWERED, Enter, inside
from .scopes import Scope


class Alarm:
    """A timeout's entry in the kernel's timers."""

    __slots__ = ("_timeout", "dead")

    def __init__(self, timeout: Timeout) -> None:
        self._timeout = timeout
        self.dead: bool | None = None

    def fire(self, kernel: Kernel) -> None:
        self._timeout.expire()


class Timeout(Scope):
    """A block with a time limit; made by `timeout` and `timeout_at`."""

    __slots__ = ("_alarm", "_deadline", "_seconds")

    def __init__(self, seconds: float | None, deadline: float | None) -> None:
        super().__init__()
        self._seconds = seconds
        self._deadline = deadline
        self._alarm: Alarm | None = None

    def enter(self, task: Task[Any]) -> None:
        super().enter(task)
        if self._seconds is not None:
            self._deadline = task.kernel.clock.now() + self._seconds
        self._arm(task.kernel)

    def _arm(self, kernel: Kernel) -> None:
        if self._deadline is not None and self._deadline != math.inf:
            self._alarm = Alarm(self)
            kernel.timers.add(self._deadline, self._alarm)

    def _disarm(self, kernel: Kernel) -> None:
        if self._alarm is not None:
            kernel.timers.cancel(self._alarm)
            self._alarm = None

    def expire(self) -> None:
        """The deadline has come."""
        self._alarm = None
        self._interrupt()

    @property
    def deadline(self) -> float | None:
        """When the block is cancelled, on the kernel's clock; None or `math.inf` means never. None before the entry."""
        return self._deadline

    @property
    def expired(self) -> bool:
        """Whether the deadline came while the task was in the block, even if the block ended in time all the same."""
        return self._interrupted

    def reschedule(self, deadline: float | None) -> None:
        """Move the deadline to another time on the kernel's clock; None takes the limit away.

        Raises `RuntimeError` before the block, after it, and when the timeout has expired. Raises `TypeError` or
        `ValueError` for what is not a number. After an error the deadline is where it was.
        """
        if self._task is None or self._interrupted:
            state = "has expired" if self._interrupted else "is over" if self.entered else "has not been entered"
            raise RuntimeError(f"the deadline of {self!r} cannot be moved: the block {state}")
        deadline = None if deadline is None else check_seconds(deadline, "reschedule")
        self._disarm(self._task.kernel)
        self._deadline = deadline
        self._arm(self._task.kernel)

    def __aenter__(self) -> Enter[Timeout]:
        return Enter(self)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        task = inside(self)
        self._disarm(task.kernel)
        expired = self._leave(error)
        self._task = self._section = None
        if expired:
            message = f"{task} ran out of time: {self!r}"
            del task  # else the error, whose traceback has this frame, and the task might hold each other
            raise TimeoutError(message) from error
        return ANSWERED

    def __repr__(self) -> str:
        if self._seconds is not None:
            return f"timeout({self._seconds:g})"
        return "timeout(None)" if self._deadline is None else f"timeout_at({self._deadline:g})"


def timeout(seconds: float | None) -> Timeout:
    """`async with timeout(seconds):` cancels the block when it takes longer, and raises `TimeoutError` at its end.

    The time counts from entering the block. Zero or less cancels the block where it first suspends; None and `math.inf`
    set no limit. `async with timeout(5) as limit:` gives the object: look at `limit.expired` and `limit.deadline`, and
    move the deadline by `limit.reschedule(deadline)`.

    When the block ends before the task was given the cancellation, the block ended in time, and no error is raised. A
    cancellation from outside passes through as `Cancelled`. When a timeout further out expires, `Cancelled` passes
    through as well, and the outer block raises its own `TimeoutError`.

    Raises `TypeError` or `ValueError`, at the call, for what is not a number.
    """
    return Timeout(None if seconds is None else check_seconds(seconds, "timeout"), None)


def timeout_at(deadline: float | None) -> Timeout:
    """As `timeout`, but the block has time until the kernel's clock shows `deadline` (see `now`)."""
    return Timeout(None, None if deadline is None else check_seconds(deadline, "timeout_at"))
