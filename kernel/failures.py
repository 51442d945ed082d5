"""Failures that reach nobody: kept until it is certain, then reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .task import Task


class Unretrieved:
    """The failure of a task that nobody has waited for: reported when it is thrown away, unless disarmed before."""

    def __init__(self, task: Task[Any], error: BaseException) -> None:
        self._message = f"{task} failed, and nobody waited for it"
        self._error: BaseException | None = error
        self._kernel = task.kernel
        if task.daemon:
            self.report()
        else:
            task.kernel.unretrieved.add(self)

    def report(self) -> None:
        if self._error is not None:
            self._kernel.report(self._message, self._error)
            self.disarm()

    def disarm(self) -> None:
        self._error = None

    __del__ = report


def drop_frame(error: BaseException) -> None:
    """Take the frame that has just caught `error` out of its traceback."""
    assert error.__traceback__ is not None
    BaseException.with_traceback(error, error.__traceback__.tb_next)  # where assigning may be refused: a frozen dataclass
