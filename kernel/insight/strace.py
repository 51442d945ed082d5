"""strace: a line for each request that a task makes, in the manner of the tool of that name.

    0.100000 [task 7 'worker'] <Queue with 0 items>.get() = 42 <0.103000s>
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ..deadlock import Deadlock
from ..syscalls import Syscall
from ..task import Task
from .names import label, number
from .requests import error_text, is_future, kind_of, library_call, shown, text_of
from .transcripts import Transcript, check_kinds, names
from .watching import Observer, Watch


def matches(task: Task[Any], pattern: str | None) -> bool:
    """Whether `pattern`, as the shell has them, names the task: its name or its number. None names every task."""
    return pattern is None or names(pattern, task.name, number(task))


class Strace(Observer):
    """Writes what it is told by `write`, which is called with pieces of text.

    `kinds` are the kinds of requests to be shown (`requests.KINDS`), by default all; with `durations` requests that did
    not wait show how long they took, too; with `relative` a line begins with the time since the one before, and not
    since the first; `task` is a pattern for the names of tasks, or a task's number. Without `data` the arguments and
    the answers are left out. Times are those of the kernel's clock. Raises `ValueError` for an unknown kind.
    """

    def __init__(self, write: Callable[[str], object], kinds: Collection[str] | None = None, *,
                 durations: bool = False, relative: bool = False, task: str | None = None, data: bool = True) -> None:
        check_kinds(kinds)
        self._transcript = Transcript(write, durations, relative)
        self._kinds = kinds
        self._pattern = task
        self._data = data

    def ear(self, watch: Watch) -> Observer:
        self._transcript.begin(watch.kernel.clock.now())
        return self

    def spawn(self, task: Task[Any]) -> None:
        maker = task.kernel.current
        if maker is not None and self._transcript.is_open(maker):
            return  # the answer to its request says so
        if self._shows(task, "task"):
            self._event(task, f"made{'' if maker is None else f' by {label(maker)}'}")

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        if self._shows(task, None if self._kinds is None else kind_of(task, request)):
            self._transcript.ask(task.kernel.clock.now(), task, label(task), (number(task), id(request)),
                                 text_of(task, request, self._data))

    def answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> None:
        key = number(task), id(request)
        known = self._transcript.knows(key)
        if known or self._shows(task, None if self._kinds is None else kind_of(task, request)):
            text = "" if known else text_of(task, request, self._data)  # it was made before the trace began
            self._transcript.answer(task.kernel.clock.now(), task, label(task), key, text,
                                    self._answer(task, request, value, error))

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        if self._shows(task, "task"):
            if error is None:
                how = f"returned {self._value(value)}" if self._data and value is not None else "returned"
            else:
                how = "was cancelled" if task.cancelled() else f"raised {self._error(error)}"
            self._event(task, how)

    def deadlock(self, error: Deadlock) -> None:
        self._transcript.note(str(error))

    def finish(self) -> None:
        """End the line that is being written."""
        self._transcript.finish()

    def _shows(self, task: Task[Any], kind: str | None) -> bool:
        return matches(task, self._pattern) and (self._kinds is None or kind in self._kinds)

    def _event(self, task: Task[Any], text: str) -> None:
        self._transcript.event(task.kernel.clock.now(), label(task), text)

    def _answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> str:
        if error is not None:
            return f"! {'cancelled' if isinstance(error, task.cancelled_type) else self._error(error)}"
        if is_future(request) and not isinstance(request, Task) and library_call(task) is not None:
            return "..."  # the function that awaits the future has not returned yet
        return self._value(value)

    def _value(self, value: Any) -> str:
        return shown(value) if self._data or value is None else f"<{type(value).__name__}>"

    def _error(self, error: BaseException) -> str:
        return error_text(error, self._data)
