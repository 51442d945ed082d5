"""The choices of a simulated run: one object makes all of them, and what it chose is the tape of the run.

A choice is a small number, of which 0 is the quiet one: no step takes long, nothing is late. A plan says at which of
its choices a run deviates from that. Between two deviations a choice costs a comparison, so a run in which little is
unusual is quick.
"""

from __future__ import annotations

import math
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
        self._closed = False

    def choose(self, kind: str, options: int, subject: Any = None) -> int:
        """A number from 0 to `options` - 1. `subject` is the task, or what else, the choice is about."""
        place = self.made
        if self._closed:
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

    def close(self) -> None:
        """Make the quiet choice from now on: the program has ended, and only the shutdown is left."""
        self._closed = True

    def open(self) -> None:
        """Make choices again: another part of the program begins."""
        self._closed = False


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
