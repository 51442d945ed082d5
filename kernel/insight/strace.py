"""strace: a line for each request that a task makes, in the manner of the tool of that name.

    0.100000 [task 7 'worker'] <Queue with 0 items>.get() = 42 <0.103000s>

A request that is answered before anything else is written stands on one line with its answer. Otherwise its line ends
with "<unfinished ...>", and the answer comes on a line of its own: "<... Queue.get() resumed> = 42".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from typing import Any

from ..deadlock import Deadlock
from ..syscalls import Syscall
from ..task import Task
from .names import label, number
from .requests import KINDS, LIMIT, is_future, kind_of, library_call, shown, text_of, without_state
from .watching import Observer, Watch


def check_kinds(kinds: Collection[str] | None) -> None:
    """Raise the `ValueError` that lists the kinds of requests that there are, if one of `kinds` is none."""
    for kind in kinds or ():
        if kind not in KINDS:
            raise ValueError(f"there is no kind of requests {kind!r}; the kinds are {', '.join(KINDS)}")


def matches(task: Task[Any], pattern: str | None) -> bool:
    """Whether `pattern`, as the shell has them, names the task: its name or its number. None names every task."""
    return pattern is None or fnmatchcase(task.name, pattern) or pattern == str(number(task))


def forget(text: str) -> None:
    """What becomes of text when there is nowhere to write to any more."""


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
        self._write = write
        self._kinds = kinds
        self._durations = durations
        self._relative = relative
        self._pattern = task
        self._data = data
        self._start = 0.0
        self._open: object = None  # the task whose line is not finished
        # Requests that are shown and not answered yet: with the text of the request, when it was made, and whether its
        # line was finished before the answer.
        self._asked: dict[tuple[int, int], tuple[str, float]] = {}

    def ear(self, watch: Watch) -> Observer:
        self._start = watch.kernel.clock.now()
        return self

    def spawn(self, task: Task[Any]) -> None:
        maker = task.kernel.current
        if maker is not None and maker is self._open:
            return  # the answer to its request says so
        if self._shows(task, "task"):
            self._line(task, f"+++ made{'' if maker is None else f' by {label(maker)}'} +++\n")

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        if not self._shows(task, None if self._kinds is None else kind_of(task, request)):
            return
        text = text_of(task, request, self._data)
        self._asked[number(task), id(request)] = (text, task.kernel.clock.now())
        self._line(task, text)
        self._open = task

    def answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> None:
        text, since = self._asked.pop((number(task), id(request)), ("", 0.0))
        if not text and not self._shows(task, None if self._kinds is None else kind_of(task, request)):
            return
        answer = self._answer(task, request, value, error)
        if not text:  # it was made before the trace began
            text = text_of(task, request, self._data)
        elif (seconds := task.kernel.clock.now() - since) > 0 or self._durations:
            answer += f" <{seconds:.6f}s>"
        if self._open is task:
            self._open = None
            self._put(f"{answer}\n")
        else:
            self._line(task, f"<... {without_state(text)} resumed>{answer}\n")

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        if self._shows(task, "task"):
            if error is None:
                how = f"returned {self._value(value)}" if self._data and value is not None else "returned"
            else:
                how = "was cancelled" if task.cancelled() else f"raised {self._error(error)}"
            self._line(task, f"+++ {how} +++\n")

    def deadlock(self, error: Deadlock) -> None:
        self.finish()
        self._put(f"+++ {error} +++\n")

    def finish(self) -> None:
        """End the line that is being written."""
        if self._open is not None:
            self._open = None
            self._put(" <unfinished ...>\n")

    def _put(self, text: str) -> None:
        try:
            self._write(text)
        except BaseException:
            self._write = forget  # the failure is reported once
            raise

    def _shows(self, task: Task[Any], kind: str | None) -> bool:
        return matches(task, self._pattern) and (self._kinds is None or kind in self._kinds)

    def _line(self, task: Task[Any], text: str) -> None:
        self.finish()
        now = task.kernel.clock.now()
        self._put(f"{now - self._start:.6f} [{label(task)}] {text}")
        if self._relative:
            self._start = now

    def _answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> str:
        if error is not None:
            return f" = ! {'cancelled' if isinstance(error, task.cancelled_type) else self._error(error)}"
        if is_future(request) and not isinstance(request, Task) and library_call(task) is not None:
            return " = ..."  # the function that awaits the future has not returned yet
        return f" = {self._value(value)}"

    def _value(self, value: Any) -> str:
        return shown(value) if self._data or value is None else f"<{type(value).__name__}>"

    def _error(self, error: BaseException) -> str:
        text = shown(str(error), LIMIT)[1:-1] if self._data else ""
        return type(error).__qualname__ + (f": {text}" if text else "")
