"""Links: how packets get from one host to another."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from .asked import World

LEAST, MOST = 0.0005, 0.05  # seconds that a packet takes between two hosts, unless their link says otherwise


class Link(NamedTuple):
    """How packets get from one host to another."""

    least: float = LEAST  # seconds
    most: float = MOST
    loss: float = 0.0  # the share of datagrams that may get lost; above 0 they are also doubled and overtaken
    bandwidth: float = math.inf  # bytes per second
    draw: Callable[[Random], float] | None = None  # gives the seconds of each packet, in the place of least and most

    def delay(self, world: World, source: str, target: str) -> float:
        """The least seconds that what is sent now takes, or those that the function of the link gives."""
        if self.draw is None:
            return self.least
        seconds = self.draw(world.random())
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
            # Not raised: libraries would make another error of it, where they write. The run fails in any case.
            world.refuse(f"{seconds!r} as the latency of a packet from {source!r} to {target!r}",
                         "have the function latency= of that link return a number of seconds, 0 or more")
            return 0.0
        return seconds
