"""What a recorder keeps: events, the tasks that they are about, and who or what has caused them.

All of it is plain data, which keeps nothing of the program alive.
"""

from __future__ import annotations

from typing import NamedTuple


class Who(NamedTuple):
    """What is kept of a task, which may be gone."""

    kernel: int  # the identity of the task's kernel, since each numbers its tasks
    number: int
    name: str

    def __str__(self) -> str:
        return f"task {self.number} '{self.name}'"


class Cause(NamedTuple):
    """Who or what has made a task ready.

    `kind` is "task"; "timer"; "descriptor", which can be read or written; "call", by another thread or a signal
    handler; "callback" of an event loop, which has a cause itself: `by`; or "outside", for what comes before or after
    the run.
    """

    kind: str
    text: str
    who: Who | None = None  # the task, if it was one
    by: Cause | None = None

    def task(self) -> Who | None:
        """The task at the beginning of the chain, if there is one."""
        cause: Cause | None = self
        while cause is not None:
            if cause.who is not None:
                return cause.who
            cause = cause.by
        return None

    def __str__(self) -> str:
        if self.by is None:
            return self.text
        private = self.text.rpartition(".")[2].startswith("_")  # the library's own, which says nothing to a reader
        return str(self.by) if private else f"{self.by}, calling {self.text}"


class Event(NamedTuple):
    """One event, as `Recorder.events` gives it."""

    time: float  # in seconds, on the kernel's clock
    kind: str  # "spawn", "request", "wake", "exit" or "slow"
    task: Who
    text: str  # what was asked for, what was waited for, how the task ended, where it was slow
    cause: Cause | None  # of a spawn and of a wake
    since: float | None  # when the wait began, of a wake

    def __str__(self) -> str:
        parts = [f"{self.time:.6f} {self.task} {self.kind}", self.text]
        if self.cause is not None:
            parts.append(f"by {self.cause}")
        if self.since is not None:
            parts.append(f"<{self.time - self.since:.6f}s>")
        return " ".join(part for part in parts if part)
