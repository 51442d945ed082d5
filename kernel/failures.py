"""Failures that have nowhere to go by themselves: of tasks that nobody waits for, and of the code of syscalls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from .devices import Event

if TYPE_CHECKING:
    from .core import Kernel
    from .task import Task

# The names of the functions that carry a request out or refuse it, in the kernel and in the layer above it.
EXECUTORS = {"execute", "translate", "check_wait", "_execute_checked", "_execute_overridden"}

# To get and to set the traceback of an exception, whatever its class makes of the attribute: that of a frozen dataclass
# refuses an assignment.
traceback_of: Callable[[BaseException], TracebackType | None] = BaseException.__dict__["__traceback__"].__get__
_set_traceback = BaseException.with_traceback


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


def tell(level: str, message: str, error: BaseException | None = None) -> None:
    """Log `message`, with the traceback of `error`; print both where nothing can be logged.

    A program in which nothing fails does not import `logging`. To import it can be impossible when something does fail:
    without a free descriptor, at the end of the interpreter, or while this very thread is importing it.
    """
    if level == "info" and "logging" not in sys.modules:
        return  # nobody has asked for it
    try:
        # Here, to save start-up time: with what it imports it takes as long as the whole kernel, the row `import`.
        import logging
        log = getattr(logging.getLogger("kernel"), level)
    except Exception:
        try:
            sys.stderr.write(f"{message}\n")
        except (AttributeError, OSError, ValueError):  # there is none, or it is closed
            return
        if error is not None:
            sys.__excepthook__(type(error), error, traceback_of(error))
    else:
        log("%s", message, exc_info=error, stacklevel=2)


def drop_frame(error: BaseException) -> None:
    """Take the frame that has just caught `error`, and is handling it, out of its traceback."""
    _set_traceback(error, sys.exc_info()[2].tb_next)  # type: ignore[union-attr]  # it is being handled


def clear_execute(error: BaseException) -> None:
    """Clear the frames of the functions that were to carry a request out and have raised `error`.

    These frames hold the task. If the task ended with the error, it would hold itself, by the traceback and the frames.
    """
    entry = traceback_of(error)
    while entry is not None and entry.tb_frame.f_code.co_name in EXECUTORS:
        clear_frame(entry.tb_frame)
        entry = entry.tb_next


def clear_frame(frame: FrameType) -> None:
    """Forget the variables of a function that has ended. What may only be suspended, a generator, keeps them."""
    if not frame.f_code.co_flags & 0x2A0:  # CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
        frame.clear()


def answered_twice(request: object, task: Task[Any]) -> RuntimeError:
    """The error of a request whose `execute` has woken the task that it then says is answered."""
    return RuntimeError(f"{type(request).__qualname__}.execute() has woken {task} and returned True; a task that was "
                        "woken gets its answer later: return False")


def abort_failed(kernel: Kernel, request: object, task: Task[Any], error: BaseException) -> None:
    """Report `error`, which the `abort` of `request` has raised; `task` is cancelled all the same."""
    let_pass(error)
    kernel.report(f"{type(request).__qualname__}.abort() failed while {task} was being cancelled; the task is "
                  "cancelled all the same, and whatever would have woken it must not do so any more", error)


def fire_failed(kernel: Kernel, event: Event, error: BaseException) -> None:
    """Tell the tasks that wait on `event` of `error`, which its `fire` has raised; without any, the exception hook.

    It is not fired again.
    """
    let_pass(error)
    kernel.poller.drop(event)
    message = f"{type(event).__qualname__}.fire() failed"
    failure = RuntimeError(message)
    failure.__cause__ = error
    request: object = event  # it may be both
    waiting = [task for task in kernel.everyone() if task.blocked_on is request]
    for task in waiting:
        task.throw(failure)
    if not waiting:
        kernel.report(message, error)


def let_pass(error: BaseException) -> None:
    """Raise `error` if it is of those that end the whole run."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        raise error
