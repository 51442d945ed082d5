"""The story of a run that has failed: what was not quiet in it, in words and source lines, and what came of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import Kernel
from ..insight.requests import program_place
from ..task import Task
from .tapes import Deviation
from .words import name_of, state_of, timer_name

FEW = 3  # timers that are named
MOST_NOTES = 12  # the last of what happened is told


class Story:
    """Listens to one run."""

    def __init__(self) -> None:
        self.deviations: list[str] = []
        self.notes: list[str] = []

    def deviated(self, deviation: Deviation, kernel: Kernel, began: float, about: list[Any]) -> None:
        """A choice was made whose effect one can see now."""
        tasks = kernel.everyone()
        now = kernel.clock.now()
        self.deviations.append(f"at {began:g} s {_TELLERS[deviation.kind](deviation, began, now, about, tasks)}")

    def cancelled(self, task: Task[Any]) -> None:
        """Somebody is about to cancel `task`."""
        if task.done():
            return
        kernel = task.kernel
        by = "a time limit" if kernel.current is None else name_of(kernel.current)
        text = "cancels itself" if kernel.current is task else f"cancels {name_of(task)}, which {state_of(task)}"
        self.notes.append(f"{kernel.clock.now():g} s: {by} {text}")


def timers_named(timers: list[Any], tasks: list[Task[Any]]) -> str:
    names = [timer_name(timer, tasks) for timer in timers[:FEW]]
    if len(timers) > FEW:
        names.append(f"{len(timers) - FEW} more")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _stall(deviation: Deviation, began: float, now: float, about: list[Any], tasks: list[Task[Any]]) -> str:
    step = f"the step of {deviation.subject}"
    step += next((f" ({program_place(task)})" for task in tasks if name_of(task) == deviation.subject), "")
    text = f"{step} takes {now - began:g} s"
    come = "comes" if len(about) == 1 else "come"
    return f"{text}, so that {timers_named(about, tasks)} {come} in the next turn" if about else text


def _late(deviation: Deviation, began: float, now: float, about: list[Any], tasks: list[Task[Any]]) -> str:
    text = f"the process sleeps until {now:g} s"
    return f"{text}, so that {timers_named(about, tasks)} come in one turn" if about else text


def _apart(deviation: Deviation, began: float, now: float, about: list[Any], tasks: list[Task[Any]]) -> str:
    return f"{timers_named(about, tasks)} comes a turn after the one before it, although they have the same deadline"


def _thread(deviation: Deviation, began: float, now: float, about: list[Any], tasks: list[Task[Any]]) -> str:
    return f"the function {deviation.subject} begins in a thread, and takes until {about[0]:g} s"


def _cancel(deviation: Deviation, began: float, now: float, about: list[Any], tasks: list[Task[Any]]) -> str:
    task, place = about
    return (f"{deviation.subject}, which {state_of(task)}, is cancelled (by the exploration: "
            f"{f'the program cancels it elsewhere, at {place}' if place else 'a callback cancels it elsewhere'})")


def _order(deviation: Deviation, began: float, now: float, about: list[Any], tasks: list[Task[Any]]) -> str:
    return f"{name_of(about[0])} runs before {deviation.value} that became ready before it"


_TELLERS: dict[str, Callable[[Deviation, float, float, list[Any], list[Task[Any]]], str]] = {
    "stall": _stall, "late": _late, "apart": _apart, "thread": _thread, "order": _order,
    "cancel": _cancel}


def tell(story: Story, deviations: Sequence[Deviation]) -> str:
    """The story of a run with these deviations, which `story` has listened to."""
    lines = ["in the quiet schedule, but for:", *(f"  {deviation}" for deviation in story.deviations)]
    lines += [f"  the random numbers are those of seed {one.value}" for one in deviations if one.kind == "seed"]
    if not deviations:
        lines = ["in the quiet schedule, in which no step takes long and nothing is late"]
    if story.notes:
        lines += ["then, at", *(f"  {note}" for note in story.notes[-MOST_NOTES:])]
    return "\n".join(lines)
