"""The lines of a trace in the manner of strace: what tasks ask for, what they are given, and how they come and go.

A request that is answered before anything else is written stands on one line with its answer. Otherwise its line ends
with "<unfinished ...>", and the answer comes on a line of its own: "<... Queue.get() resumed> = 42".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from fnmatch import fnmatchcase

from .requests import KINDS, without_state


def check_kinds(kinds: Collection[str] | None) -> None:
    """Raise the `ValueError` that lists the kinds of requests that there are, if one of `kinds` is none."""
    for kind in kinds or ():
        if kind not in KINDS:
            raise ValueError(f"there is no kind of requests {kind!r}; the kinds are {', '.join(KINDS)}")


def names(pattern: str | None, name: str, number: int) -> bool:
    """Whether `pattern`, as the shell has them, fits a task's name, or is its number. None fits every task."""
    return pattern is None or fnmatchcase(name, pattern) or pattern == str(number)


class Transcript:
    """Writes the lines. Each method is given the time in seconds, the task, and how the line is to call the task.

    With `durations` requests that did not wait show how long they took, too; with `relative` a line begins with the
    time since the one before, and not since the beginning.
    """

    def __init__(self, write: Callable[[str], object], durations: bool, relative: bool) -> None:
        self._write = write
        self._durations = durations
        self._relative = relative
        self._start = 0.0
        self._open: object = None  # the task whose line is not finished
        self._asked: dict[Hashable, tuple[str, float]] = {}  # what is not answered yet: its text, and when it was made

    def begin(self, now: float) -> None:
        """The time from which the first line counts."""
        self._start = now

    def is_open(self, task: object) -> bool:
        """Whether the last line is about a request of `task`, and can still be finished with the answer."""
        return self._open is task

    def ask(self, now: float, task: object, label: str, request: Hashable, text: str) -> None:
        """The task makes `request`, which is whatever `answer` is given for it."""
        self._asked[request] = text, now
        self.line(now, label, text)
        self._open = task

    def knows(self, request: Hashable) -> bool:
        """Whether `ask` was called for `request`, and `answer` was not."""
        return request in self._asked

    def answer(self, now: float, task: object, label: str, request: Hashable, text: str, answer: str) -> None:
        """The task gets the answer to `request`; `text` is that of a request which was made before the trace began."""
        known = self._asked.pop(request, None)
        if known is not None:
            text, since = known
            if now > since or self._durations:
                answer += f" <{now - since:.6f}s>"
        if self.is_open(task):
            self._open = None
            self.put(f" = {answer}\n")
        else:
            self.line(now, label, f"<... {without_state(text)} resumed> = {answer}\n")

    def event(self, now: float, label: str, text: str) -> None:
        """Something else happens to a task."""
        self.line(now, label, f"+++ {text} +++\n")

    def note(self, text: str) -> None:
        """Something happens that is of no task."""
        self.finish()
        self.put(f"+++ {text} +++\n")

    def finish(self) -> None:
        """End the line that is being written."""
        if self._open is not None:
            self._open = None
            self.put(" <unfinished ...>\n")

    def line(self, now: float, label: str, text: str) -> None:
        self.finish()
        self.put(f"{now - self._start:.6f} [{label}] {text}")
        if self._relative:
            self._start = now

    def put(self, text: str) -> None:
        try:
            self._write(text)
        except BaseException:
            self._write = forget  # the failure is reported once
            raise


def forget(text: str) -> None:
    """What becomes of text when there is nowhere to write to any more."""
