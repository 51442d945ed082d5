"""Strategies: which plans an exploration tries, one after the other, given what it has seen.

Each is an iterator over plans that is told of every run that was made by one of its own. Most bugs need few deviations
from the quiet schedule: with SCTBench, a set of programs with known bugs, Thomson, Donaldson and Betts (2014) found that
bounds of one to three expose most of them. So most of these strategies deviate little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from random import Random

from .choices import Chosen, Often, Plan, Quiet
from .runs import Run

MANY = 2 ** 20  # stands for any of the options at a place, of which the number is not known
Values = dict[int, int]


class Strategy:
    """Gives plans until it knows no more, and learns from the runs."""

    reach = 2  # how many pending deadlines ahead a step may take

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def plan(self) -> Plan | None:
        """What to try next; None when nothing is left to be tried."""
        raise NotImplementedError

    def learn(self, run: Run, new: bool) -> None:
        """`run` was made by the plan that was given last; `new` says whether it came to a state that is new."""

    def end(self, runs: int) -> str:
        """What can be said when there is no further plan, after so many runs."""
        return ""

    def take_part(self, part: int, parts: int) -> None:
        """Give only a part of the plans from now on, of as many as `parts`, of which others give the others."""
        self.rng.seed(f"{self.rng.random()} {part}")


class AtRandom(Strategy):
    """Deviates at random, in one run often and in another seldom."""

    reach = 4
    RATES = (0.5, 0.2, 0.1, 0.05, 0.02)

    def plan(self) -> Plan:
        return Often(self.rng, self.rng.choice(self.RATES))


class Few(Strategy):
    """Deviates at one, two or three places."""

    reach = 4

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self._length = 0  # of the longest run so far, in choices

    def plan(self) -> Plan:
        if not self._length:
            return Quiet()
        places = [self.rng.randrange(self._length) for _ in range(self.rng.randint(1, 3))]
        return Chosen({place: self.rng.randrange(1, MANY) for place in places})

    def learn(self, run: Run, new: bool) -> None:
        self._length = max(self._length, run.choices.made)


class Exhaustive(Strategy):
    """Every schedule with up to `bound` deviations, those with fewer first.

    Random numbers are left as they are.
    """

    def __init__(self, rng: Random, bound: int = 2) -> None:
        super().__init__(rng)
        self._bound = bound
        self._values: Values = {}  # of the last plan
        self._plans: deque[Iterator[Values]] = deque([iter([self._values])])

    def plan(self) -> Plan | None:
        while self._plans:
            values = next(self._plans[0], None)
            if values is not None:
                self._values = values
                return Chosen(values)
            self._plans.popleft()
        return None

    def learn(self, run: Run, new: bool) -> None:
        if len(self._values) < self._bound:
            self._plans.append(_further(self._values, bytes(run.choices.options)))

    def take_part(self, part: int, parts: int) -> None:
        self._plans = deque(islice(plans, part, None, parts) for plans in self._plans)

    def end(self, runs: int) -> str:
        schedules = "is 1 schedule" if runs == 1 else f"are {runs:,} schedules"
        return (f"complete: there {schedules} with up to {self._bound} "
                f"deviation{'' if self._bound == 1 else 's'} from the quiet one, and each was tried")


def _further(values: Values, options: bytes) -> Iterator[Values]:
    """The plans with one deviation more than `values`, of which a run had so many `options` at its choices."""
    for place in range(max(values, default=-1) + 1, len(options)):
        for value in range(1, options[place]):
            yield values | {place: value}


class Cancel(Exhaustive):
    """Every schedule with one deviation, where a stall may reach far more of the pending deadlines.

    So each time limit that is near runs out at each step before it, one in each run. Everything that the clock can
    cancel is cancelled wherever it can be: at each of its suspensions, and between a wake and the step that was to
    follow it.
    """

    reach = 16

    def __init__(self, rng: Random) -> None:
        super().__init__(rng, bound=1)

    def end(self, runs: int) -> str:
        return f"complete: each deadline that a stall can reach was let come at each step before it, in {runs:,} runs"


class Guided(Strategy):
    """Varies what has led to a new state."""

    reach = 4

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self._found: list[tuple[Values, int]] = [({}, 1)]  # with the length of the run

    def plan(self) -> Plan:
        # Those that were found last more often than those before them.
        values, length = self._found[-1 - int(self.rng.expovariate(0.3)) % len(self._found)]
        values = dict(values)
        for _ in range(self.rng.randint(1, 2)):
            change = self.rng.randrange(3)
            if values and change:
                place = self.rng.choice(sorted(values))
                value = values.pop(place)
                if change == 1:  # else it stays away
                    values[max(0, place + self.rng.randint(-3, 3))] = value
            else:
                values[self.rng.randrange(length)] = self.rng.randrange(1, MANY)
        return Chosen(values)

    def learn(self, run: Run, new: bool) -> None:
        if new:
            self._found.append(({one.place: one.value for one in run.choices.deviations}, max(1, run.choices.made)))


class Portfolio(Strategy):
    """All the others in turn, but for the exhaustive one."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        few, at_random, guided, cancel = Few(rng), AtRandom(rng), Guided(rng), Cancel(rng)
        self._all = few, at_random, guided, cancel
        self._turns = cycle([few, at_random, cancel, few, at_random, guided])
        self._current: Strategy = few

    @property
    def reach(self) -> int:  # type: ignore[override]  # that of the plan which was given last
        return self._current.reach

    def plan(self) -> Plan:
        while True:
            self._current = next(self._turns)
            plan = self._current.plan()
            if plan is not None:
                return plan

    def learn(self, run: Run, new: bool) -> None:
        self._current.learn(run, new)

    def take_part(self, part: int, parts: int) -> None:
        for one in self._all:
            one.take_part(part, parts)


STRATEGIES: dict[str, Callable[[Random], Strategy]] = {
    "portfolio": Portfolio, "random": AtRandom, "few": Few, "exhaustive": Exhaustive, "guided": Guided,
    "cancel": Cancel}


def strategy_named(name: str, rng: Random, bound: int | None = None) -> Strategy:
    """Make the strategy of that name; `bound` is for "exhaustive". Raises `ValueError` for one that does not exist."""
    if name not in STRATEGIES:
        raise ValueError(f"there is no strategy {name!r}; the strategies are {', '.join(STRATEGIES)}")
    if bound is None:
        return STRATEGIES[name](rng)
    if name != "exhaustive":
        raise ValueError(f"bound= is for the strategy 'exhaustive', and not for {name!r}")
    if type(bound) is not int or bound < 0:
        raise ValueError(f"bound= is a number of deviations from 0 on, not {bound!r}")
    return Exhaustive(rng, bound)
