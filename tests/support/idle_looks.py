"""Looking for tasks that wait for what is free whenever a kernel has nothing to run."""

from __future__ import annotations

from collections.abc import Iterable

from kernel import Kernel, Poller, VirtualClock
from kernel.devices.protocols import Event
from kernel.insight.free_waits import FreeWait, free_waits


class LookingClock(VirtualClock):
    """A virtual clock that looks before time passes."""

    kernel: Kernel

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.found: dict[str, FreeWait] = {}  # by what is said of each, since many looks find the same

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
        self.looks += 1
        self.found.update((str(wait), wait) for wait in free_waits(self.kernel))
        return super().idle(poller, deadline, busy_outside)
