"""The figures of a workload, and what can be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

# A ratio whose middle half of the rounds is wider than this part of it says nothing.
WIDEST_SPREAD = 0.15
# Others that take more than this part of the machine's processor time while a workload is measured disturb it.
MOST_BY_OTHERS = 0.10


@dataclass
class Row:
    """What was measured of one workload; each list has a figure for every round."""

    name: str
    family: str
    title: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)  # by contender
    others: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # by contender and by what it is
    failures: dict[str, str] = field(default_factory=dict)
    disturbance: float = 0.0  # the part of the machine's processor time that other programs took meanwhile

    @property
    def disturbed(self) -> bool:
        return self.disturbance > MOST_BY_OTHERS

    def ratio(self, ours: str, theirs: str) -> Spread | None:
        """How many times as much as `ours` the contender `theirs` takes; None where one of them is missing."""
        if ours not in self.values or theirs not in self.values:
            return None
        return Spread.of([their / our if our else float("inf")
                          for our, their in zip(self.values[ours], self.values[theirs], strict=True)])


@dataclass
class Spread:
    """The median of some figures, and the range of their middle half; of fewer than four, the range of all."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        low, high = min(figures), max(figures)
        if len(figures) >= 4:
            low, _, high = quantiles(figures, n=4, method="inclusive")
        return cls(median(figures), low, high, len(figures))

    @property
    def too_wide(self) -> bool:
        """Whether the figures differ too much, or are too few, for a verdict."""
        return self.count < 3 or self.high - self.low > WIDEST_SPREAD * self.median
