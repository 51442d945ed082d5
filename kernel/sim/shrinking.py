"""Shrinking: from a tape whose run fails to one that fails alike, with as few and as early deviations as possible."""

from __future__ import annotations

from collections.abc import Callable

from .choices import Anchored, Chosen, Counted, Plan
from .runs import Run
from .strategies import Values
from .tapes import Tape

MOST = 400  # runs to try
MOST_VALUES = 8  # of one choice


class Shrinker:
    """Tries smaller tapes, one after the other."""

    def __init__(self, tape: Tape, fails: Callable[[Plan], Run | None]) -> None:
        self.tape = tape
        self._fails = fails
        self._left = MOST
        self._tried: set[tuple[tuple[int, int], ...]] = {tuple(sorted(tape.values().items()))}

    def attempt(self, values: Values) -> bool:
        """Make the run of `values`; if it fails as well, and its tape is smaller, go on from there."""
        key = tuple(sorted(values.items()))
        if key in self._tried:
            return False
        self._tried.add(key)
        return self._attempt(Chosen(values))

    def _attempt(self, plan: Plan) -> bool:
        if not self._left:
            return False
        self._left -= 1
        run = self._fails(plan)
        if run is None or not size(run.tape()) < size(self.tape):
            return False
        self.tape = run.tape()
        return True

    def remove(self) -> None:
        """Leave out deviations: first many of them together, then each alone."""
        span = len(self.tape.deviations)
        while span:
            begin = 0
            while begin < len(self.tape.deviations):
                rest = self.tape.deviations[:begin] + self.tape.deviations[begin + span:]
                if not self.attempt({one.place: one.value for one in rest}):
                    begin += span
            span //= 2

    def remove_each(self) -> None:
        """Leave out one deviation; the others stay with what they are about, also where that comes elsewhere then."""
        index = 0
        while 1 < len(self.tape.deviations) > index and self._left:
            counted = Counted(self.tape.values())
            self._fails(counted)
            while index < len(self.tape.deviations):
                rest = {counted.anchors[one.place]: one for number, one in enumerate(self.tape.deviations)
                        if number != index and one.place in counted.anchors}
                if self._attempt(Anchored(rest)):
                    break
                index += 1

    def lower(self) -> bool:
        """Choose smaller values, and earlier places; whether any was found."""
        found = False
        for index in range(len(self.tape.deviations)):
            if index >= len(self.tape.deviations):
                break
            one = self.tape.deviations[index]
            others = {other.place: other.value for other in self.tape.deviations if other is not one}
            smaller = next((value for value in range(1, min(one.value, MOST_VALUES))
                            if self.attempt(others | {one.place: value})), None)
            earlier = next((place for place in earlier_places(one.place) if place not in others
                            and self.attempt(others | {place: smaller or one.value})), None)
            found = found or smaller is not None or earlier is not None
        return found


def earlier_places(place: int) -> list[int]:
    """Places before `place` to try: the first ones, then the middle, then the one just before."""
    return sorted({0, place // 2, place - 1} - {place, -1})


def size(tape: Tape) -> tuple[int, int, int]:
    """What is to become small: the number of deviations, then where they are, then the numbers."""
    deviations = tape.deviations
    return len(deviations), sum(one.place for one in deviations), sum(one.value for one in deviations)


def shrink(tape: Tape, fails: Callable[[Plan], Run | None]) -> Tape:
    """The smallest tape that was found. `fails(plan)` makes a run, and returns it if it fails as the first one did."""
    shrinker = Shrinker(tape, fails)
    shrinker.attempt({})  # it may fail in any schedule
    shrinker.remove()
    shrinker.remove_each()
    while shrinker.lower():
        shrinker.remove()
    return shrinker.tape
