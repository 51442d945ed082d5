"""What the network asks of the run that it belongs to."""

from __future__ import annotations

from typing import Any, Protocol

from ...core import Kernel


class Thread(Protocol):
    """A thread of the run, besides its own."""

    def pause(self, seconds: float) -> None:
        """Let the others go on, and come back after so many seconds of virtual time, or when it is woken."""

    def wake(self) -> None:
        """End its pause."""


class Clock(Protocol):
    """The virtual clock."""

    time: float

    def pass_time(self, seconds: float) -> None: ...


class Choices(Protocol):
    def choose(self, kind: str, options: int, subject: Any = None) -> int: ...


class World(Protocol):
    """The run."""

    longest_stall: float
    reach: int

    @property
    def choices(self) -> Choices: ...

    @property
    def clock(self) -> Clock: ...

    def thread(self) -> Thread | None:
        """The thread that runs now; None for the run's own."""

    def refuse(self, what: str) -> BaseException:
        """The error of a program that did `what`, which cannot be simulated."""

    def options_after(self, after: float, within: float) -> int:
        """How many deadlines a choice may name that come after that time; 0 if none comes within so many seconds."""

    def deadline_after(self, after: float, number: int, within: float) -> float | None:
        """The deadline with that number after the time `after`, or the last one; None if none is within reach."""

    def deviated_outside(self, subject: Any, what: str) -> None:
        """A choice was made that is not the quiet one: `what` became of `subject`."""


class Poller(Protocol):
    """The poller of one of the run's kernels."""

    kernel: Kernel
    touched: dict[int, None]

    def closed(self, fd: int, told: bool) -> None: ...
