"""Waits that nothing is going to end: the circles of tasks that wait for each other, and lost wake-ups.

    1 task waits in vain:
      task 3 'Bob' at shop.py:12 in serve
        waits for <Lock held by nobody>.acquire()
        although nobody holds it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .drawing import circle_lines
from .words import MANY, WAIT, Data, View, although, at, cut, label, safe, waits_for


def hangs(view: View, in_line: bool = True) -> Iterator[str]:
    """The lines that tell of all of them; if not `in_line`, without lost wake-ups of tasks in the line of a lock."""
    yield from circles_of(view, view.kernel["circles"])
    yield from free_waits_of(view, [task for task in free_waits(view) if in_line or task["lock"] is None])


def circles_of(view: View, circles: Iterable[list[Data]]) -> Iterator[str]:
    """Each of the circles, which are lists of links, as a picture."""
    for circle in circles:
        yield f"{len(circle):,} tasks wait in a circle:" if len(circle) > 1 else "1 task waits for itself:"
        yield from circle_lines([_link(view, link) for link in circle])


def _link(view: View, link: Data) -> tuple[str, str]:
    """A task of a circle with its place, and why it waits for the next one."""
    task = view.tasks[link["task"]]
    if link["lock"] is not None:
        wait = f"waits for a {view.kernel['locks'][link['lock'] - 1]['kind']}{although(task)}, held by"
    else:
        call = safe(task["waits_for"] or "?")
        wait = f"waits {'' if call.startswith('wait(task ') else f'in {cut(call, WAIT)} '}for the end of"
    return label(task) + at(view, task["where"]), wait


def free_waits(view: View) -> list[Data]:
    """The tasks that wait for what is free."""
    return [task for task in view.tasks.values() if task["free"] is not None]


def free_waits_of(view: View, tasks: list[Data]) -> Iterator[str]:
    """The lines that tell of these."""
    if tasks:
        yield f"{in_vain(len(tasks))}:"
    for task in tasks[:MANY]:
        yield f"  {label(task)}{at(view, task['where'])}"
        yield f"    waits for {cut(waits_for(view, task), WAIT)}"
        yield f"    although {safe(task['free'])}"
    if len(tasks) > MANY:
        yield f"  ... and {len(tasks) - MANY:,} more"


def in_vain(tasks: int) -> str:
    return "1 task waits in vain" if tasks == 1 else f"{tasks:,} tasks wait in vain"
