"""Spans of time that several workloads share."""

from __future__ import annotations

import random

SEED = 1
DISTANT = 3600.0  # seconds; a deadline that never comes


def random_delays(count: int, longest: float) -> list[float]:
    """The same spans each time: of 0 to `longest` seconds."""
    order = random.Random(SEED)
    return [order.random() * longest for _ in range(count)]
