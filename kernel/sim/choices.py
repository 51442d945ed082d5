"""The choices of a simulated run: one object makes all of them, and what it chose is the tape of the run.

A choice is a small number, of which 0 is the quiet one: no step takes long, nothing is late. A plan says at which of
its choices a run deviates from that. Between two deviations a choice costs a comparison, so a run in which little is
unusual is quick.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from random import Random
from typing import Any, Protocol

from .tapes import Deviation, Misfit, Tape
from .words import name_of

WIDE = 256  # a choice with as many options or more is of a random number, and not of a schedule


class Plan(Protocol):
    """Where a run deviates."""

    def first(self) -> float:
        """The place of the first deviation; infinity if there is none."""

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        """The value at `place`, which is one that this plan has named, and the place of the next deviation."""


class Choices:
    """Makes the choices of one run."""

    def __init__(self, plan: Plan) -> None:
        self.made = 0
        self.options = bytearray()  # how many each choice had; 0: it was a wide one
        self.deviations: list[Deviation] = []
        self._plan = plan
        self._next = plan.first()
        self.closed = False  # the program has ended: the shutdown makes the quiet choice, and no note of it

    def choose(self, kind: str, options: int, subject: Any = None) -> int:
        """A number from 0 to `options` - 1. `subject` is the task, or what else, the choice is about."""
        place = self.made
        if self.closed:
            return 0
        self.made = place + 1
        self.options.append(options if options < WIDE else 0)
        if place < self._next:
            return 0
        subject = name_of(subject)
        self._next = math.inf  # if the plan refuses, the shutdown makes no further choice
        value, self._next = self._plan.deviate(place, kind, options, subject)
        if value:
            self.deviations.append(Deviation(place, value, options, kind, subject))
        return value


class Quiet:
    """The plan that never deviates."""

    def first(self) -> float:
        return math.inf

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        raise AssertionError("the quiet plan names no place")


class Chosen(Quiet):
    """Deviates at chosen places, each with a number that stands for one of the options there."""

    def __init__(self, values: dict[int, int]) -> None:
        self._values = values
        self._places = iter(sorted(values))

    def first(self) -> float:
        return next(self._places, math.inf)

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        return 1 + (self._values[place] - 1) % (options - 1), self.first()


Anchor = tuple[str, str, int]  # a choice of that kind, about that subject, for the n-th time
NUMBERS = re.compile(r"(?<=:)\d+|(?<=Task-)\d+")  # of ports and tasks in a subject, which depend on what came before


class Counted(Quiet):
    """Deviates at chosen places as `Chosen` does, and notes the anchors of these places."""

    def __init__(self, values: dict[int, int]) -> None:
        self._values = values
        self._seen: Counter[tuple[str, str]] = Counter()
        self.anchors: dict[int, Anchor] = {}

    def first(self) -> float:
        return 0

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        anchor = self._anchor(kind, subject)
        if place not in self._values:
            return 0, place + 1
        self.anchors[place] = anchor
        return 1 + (self._values[place] - 1) % (options - 1), place + 1

    def _anchor(self, kind: str, subject: str) -> Anchor:
        subject = NUMBERS.sub("", subject)
        self._seen[kind, subject] += 1
        return kind, subject, self._seen[kind, subject]


class Anchored(Counted):
    """Deviates at the choices with certain anchors, wherever they are: what comes before them may have changed."""

    def __init__(self, deviations: dict[Anchor, Deviation]) -> None:
        super().__init__({})
        self._deviations = deviations

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        wanted = self._deviations.get(self._anchor(kind, subject))
        if wanted is None:
            return 0, place + 1
        # The first options of a packet are moments, of which there are more or fewer each time. Faults are the last.
        value = wanted.value + (options - wanted.options if kind == "packet" else 0)
        return max(0, min(value, options - 1)), place + 1


class Replay(Quiet):
    """Deviates as a tape says. `Misfit` where the choice is another than that of which the tape tells."""

    def __init__(self, tape: Tape) -> None:
        self._left = list(reversed(tape.deviations))
        self._misfit: Misfit | None = None

    def first(self) -> float:
        return self._left[-1].place if self._left else math.inf

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        expected = self._left.pop()
        if (kind, options, subject) != (expected.kind, expected.options, expected.subject):
            self._misfit = Misfit(expected, Deviation(place, expected.value, options, kind, subject))
            raise self._misfit
        return expected.value, self.first()

    def finish(self, made: int) -> None:
        """Raise `Misfit` if the run has ended before the last deviation of the tape, or did not end with the error."""
        if self._misfit is not None:
            raise self._misfit
        if self._left:
            raise Misfit(self._left[-1], None, made)


class Often(Quiet):
    """Deviates at random: at each choice with the probability `rate`."""

    def __init__(self, rng: Random, rate: float) -> None:
        self._rng = rng
        self._rate = rate
        self._place = -1

    def first(self) -> float:
        # How many choices a deviation is away: one random number for all of them.
        self._place += 1 + int(math.log(1.0 - self._rng.random()) / math.log(1.0 - self._rate))
        return self._place

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        return self._rng.randrange(1, options), self.first()
