"""The axis of a timeline: where on it the moments of one kernel are.

It is real time, but for a virtual clock, which stands still while tasks run, and jumps while all of them wait. There the
axis is that clock. What happens at one instant of it is drawn at real speed from the instant on; where the next instant
is nearer than that takes, it is drawn later.
"""

from __future__ import annotations

MEANINGS = {"real": "real time since the first kernel began",
            "virtual": "the kernel's clock; what happens at one instant of it is drawn at real speed from the instant on, "
                       "and the next instant is drawn later where that takes longer"}


class Axis:
    """Where on the axis the moments of one kernel are, in nanoseconds; none is before the one that came last."""

    def __init__(self, origin: int, shows: int, begin: int, virtual: bool) -> None:
        self._origin = origin  # where the kernel begins
        self._shown = shows  # by its clock then
        self._ahead = -begin  # what to add to a moment's time
        self._last = 0
        self.virtual = virtual
        self.shows = shows  # what the clock shows now, if it is virtual

    def at(self, time: int) -> int:
        """Where the time of a moment is."""
        self._last = max(self._last, time + self._ahead)
        return self._last

    def jump(self, time: int, shows: int) -> None:
        """From `time` on the kernel's clock shows something else."""
        self.shows = shows
        self._ahead = max(self._last, self._origin + shows - self._shown) - time
