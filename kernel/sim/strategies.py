"""Strategies: which plans an exploration tries, one after the other, given what it has seen.

Each is an iterator over plans that is told of every run that was made by one of its own. Most bugs need few deviations
from the quiet schedule: with SCTBench, a set of programs with known bugs, Thomson, Donaldson and Betts (2014) found that
bounds of one to three expose most of them. So most of these strategies deviate little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from copy import copy
from itertools import cycle, islice
from random import Random

from .cancelling import Injection
from .choices import Chosen, Often, Plan, Quiet
from .runs import Run

MANY = 2 ** 20  # stands for any of the options at a place, of which the number is not known
Values = dict[int, int]


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class Strategy:
    """Gives plans until it knows no more, and learns from the runs."""

    reach = 2  # how many pending deadlines ahead a step may take
    cancels: tuple[tuple[str, str], ...] = ()  # the tasks that a run may cancel where they are suspended

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def plan(self) -> Plan | None:
        """What to try next; None when nothing is left to be tried."""
        raise NotImplementedError

    def learn(self, run: Run, new: bool) -> None:
        """`run` was made by the plan that was given last; `new` says whether it came to a state that is new."""

    def see(self, run: Run) -> None:
        """`run` was made, by a plan of this strategy or of one that takes turns with it."""

    @property
    def acting(self) -> Strategy:
        """The strategy that has given the last plan: this one, unless it is made of others."""
        return self

    def end(self, runs: int, injections: set[Injection]) -> str:
        """What can be said when there is no further plan, after so many runs with these cancellations."""
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

    def end(self, runs: int, injections: set[Injection]) -> str:
        return (f"complete: there {'is' if runs == 1 else 'are'} {counted(runs, 'schedule')} with up to "
                f"{counted(self._bound, 'deviation')} from the quiet one, and each was tried")


def _further(values: Values, options: bytes) -> Iterator[Values]:
    """The plans with one deviation more than `values`, of which a run had so many `options` at its choices."""
    for place in range(max(values, default=-1) + 1, len(options)):
        for value in range(1, options[place]):
            yield values | {place: value}


class Deadlines(Exhaustive):
    """Every schedule with one deviation, where a stall may reach far more of the pending deadlines.

    So each time limit that is near runs out at each step before it, one in each run.
    """

    reach = 16

    def __init__(self, rng: Random) -> None:
        super().__init__(rng, bound=1)


class Injections(Strategy):
    """Each task that the program cancels is cancelled in each window of each of its suspensions, one in each run.

    The suspensions are those of the quiet schedule. A first run counts them, for the tasks of which one has heard since
    the last time.
    """

    def __init__(self, rng: Random) -> None:
        super().__init__(copy(rng))  # so that what the others try stays as it is
        self._heard: set[str] = set()
        self._waiting: deque[tuple[tuple[tuple[str, str], ...], int, int]] = deque()  # those tasks, and which part
        self._counts = False  # the run of the last plan
        self._plans: Iterator[Values] = iter(())

    def plan(self) -> Plan | None:
        self._counts = False
        values = next(self._plans, None)
        if values is not None:
            return Chosen(values)
        if not self._waiting:
            return None
        self._counts, self.cancels = True, self._waiting[0][0]
        return Quiet()

    def learn(self, run: Run, new: bool) -> None:
        if self._counts:
            _, part, parts = self._waiting.popleft()
            places = run.cancels.choices[part::parts]
            self.rng.shuffle(places)  # there may be more of them than runs
            self._plans = ({place: 1} for place in places)

    def see(self, run: Run) -> None:
        new = tuple((name, place) for name, place in run.cancels.heard.items() if name not in self._heard)
        if new:
            self._heard |= dict(new).keys()
            self._waiting.append((new, 0, 1))

    def take_part(self, part: int, parts: int) -> None:
        super().take_part(part, parts)
        # What is heard from now on, others may not hear: it is not shared.
        self._plans = islice(self._plans, part, None, parts)
        self._waiting = deque((names, part, parts) for names, *_ in self._waiting)


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


class InTurn(Strategy):
    """Takes turns among strategies; one that knows no more is left out."""

    def __init__(self, rng: Random, *turns: Strategy) -> None:
        super().__init__(rng)
        self._all = dict.fromkeys(turns)
        self._turns = turns
        self._next = cycle(turns)
        self._acting = turns[0]

    @property
    def acting(self) -> Strategy:
        return self._acting

    def plan(self) -> Plan | None:
        for self._acting in islice(self._next, len(self._turns)):
            plan = self._acting.plan()
            if plan is not None:
                return plan
        return None

    def see(self, run: Run) -> None:
        for one in self._all:
            one.see(run)

    def take_part(self, part: int, parts: int) -> None:
        for one in self._all:
            one.take_part(part, parts)


class Cancel(InTurn):
    """Everything that something can cancel is cancelled wherever it can be: by time limits, and by the exploration."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng, Deadlines(rng), Injections(rng))

    def end(self, runs: int, injections: set[Injection]) -> str:
        done = (f"{counted(len(injections), 'cancellation')} at "
                f"{counted(len({one[:2] for one in injections}), 'suspension')} of "
                f"{counted(len({one.task for one in injections}), 'task')}")
        return (f"complete: {done if injections else 'the program cancels no task'}; and each deadline that a stall can "
                f"reach was let come at each step before it; in {counted(runs, 'run')}")


class Portfolio(InTurn):
    """The others in turn, but for the exhaustive one, and for what may not be possible in the program as it is.

    Who asks for a cancellation may have to wait for what the task does. So one that the exploration asks for may come
    at a moment at which nobody can ask for it.
    """

    def __init__(self, rng: Random) -> None:
        few, at_random, guided = Few(rng), AtRandom(rng), Guided(rng)
        super().__init__(rng, few, at_random, Deadlines(rng), few, at_random, guided)


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
