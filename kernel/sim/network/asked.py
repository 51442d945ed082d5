"""What the network asks of the run that it belongs to."""

from __future__ import annotations

from random import Random
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

    def random(self) -> Random:
        """Where random numbers of the run come from: its seed."""

    def refuse(self, what: str, why: str = ...) -> BaseException:
        """The error of a program that did `what`, which cannot be simulated, and `why`. The run fails in any case."""

    def options_after(self, after: float, within: float) -> int:
        """How many deadlines a choice may name that come after that time; 0 if none comes within so many seconds."""

    def deadline_after(self, after: float, number: int, within: float) -> float | None:
        """The deadline with that number after the time `after`, or the last one; None if none is within reach."""

    def deviated_outside(self, subject: Any, what: str) -> None:
        """A choice was made that is not the quiet one: `what` became of `subject`."""


class NetworkListener(Protocol):
    """Is told of what happens in a network, at once, while it `hears`. Hosts are named."""

    @property
    def hears(self) -> bool: ...

    def sent(self, number: int, source: str, target: str, what: str, data: bytes) -> None:
        """A packet is on its way."""

    def arrived(self, number: int) -> None:
        """A packet has arrived; one that was doubled does so twice."""

    def held(self, number: int) -> None:
        """A partition holds up a packet."""

    def lost(self, number: int) -> None:
        """A packet will not arrive."""

    def started(self, host: str, address: str) -> None:
        """A host is there, or starts again after a crash. The first is the program's own."""

    def crashed(self, host: str, power: bool) -> None:
        """A host crashes; with `power` its system does not outlive that."""

    def cut(self, source: str, target: str) -> None:
        """From now on nothing gets from one host to the other."""

    def joined(self, source: str, target: str) -> None:
        """The end of that."""


class Poller(Protocol):
    """The poller of one of the run's kernels."""

    kernel: Kernel
    touched: dict[int, None]

    def closed(self, fd: int, told: bool) -> None: ...
