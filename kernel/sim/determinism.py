"""Whether a program does the same each time: a run made twice, and the first step that differs.

A program that depends on something that is not simulated cannot be explored well: its tapes do not repeat. Examples are
the order of a set of strings, the real clock (`datetime.now()`), a file that changes, and state that is left over from
the run before.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, NamedTuple

from ..insight.requests import place_of, program_place
from ..task import Task
from .cancelling import CancellingQueue
from .words import name_of


class Step(NamedTuple):
    """A step that was made, or a callback that was called."""

    time: float
    who: str
    place: str

    def __str__(self) -> str:
        return f"at {self.time:g} s {self.who} goes on at {self.place}"


class Nondeterministic(RuntimeError):
    """A program that is run twice with the same choices has not done the same."""


class LoggedQueue(CancellingQueue):
    """A ready queue that notes each step."""

    def popleft(self) -> Any:
        step = super().popleft()
        item = getattr(step, "task", step)
        if isinstance(item, Task) and not item.done():
            place = program_place(item)
        else:
            code = getattr(getattr(item, "_callback", None), "__code__", None)
            place = "no line of the program" if code is None else place_of(code, code.co_firstlineno)
        self._world.log.append(Step(self._world.clock.time, name_of(item), place))
        return step


def compare(first: list[Any], second: list[Any]) -> None:
    """Raise `Nondeterministic`, with the first step that differs, if two runs were not the same."""
    for number, (one, other) in enumerate(zip_longest(first, second)):
        if one != other:
            raise Nondeterministic(
                f"the program has not done the same in two runs with the same choices: step {number + 1} was\n"
                f"  {one or 'none, since the run had ended'}\nand the second time\n"
                f"  {other or 'none, since the run had ended'}\n"
                "It depends on something that is not simulated: the order of a set, the real clock, a file, or what "
                "the run before has left behind")
