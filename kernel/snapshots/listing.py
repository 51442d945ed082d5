"""Listings for a person to read, made of a snapshot alone: the process that prints may be another than the program's.

`words` has the words for it.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .hangs import hangs
from .words import (MANY, NAME, Data, View, although, at, condition, cut, label, labels, path_of, place_of, plural, safe,
                    since_of, wait_cell, waits_for)

NO_KERNEL = "No kernel runs in this process.\n"


def ps(snapshot: Data, full: bool = False) -> str:
    """A table of the tasks of each kernel. Many that wait alike are one line, unless `full` asks for all."""
    return for_each_kernel(snapshot, lambda view: [*_table(view, full), *hangs(view)])


def for_each_kernel(snapshot: Data, lines_of: Callable[[View], Iterable[str]]) -> str:
    """The lines of each kernel, with a head line above and an empty line between two kernels."""
    if not snapshot["kernels"]:
        return NO_KERNEL
    views = [View(snapshot, kernel) for kernel in snapshot["kernels"]]
    return "\n\n".join("\n".join([*head(view), *lines_of(view)]) for view in views) + "\n"


def head(view: View) -> Iterator[str]:
    """How the kernel is, and who holds it up if somebody does."""
    kernel = view.kernel
    counts = [f"{plural(len(kernel['tasks']), 'task')}", f"{kernel['ready']} ready", plural(kernel["timers"], "timer")]
    if kernel["descriptors"] is not None:
        counts.append(plural(kernel["descriptors"], "descriptor"))
    if kernel["lag"] is not None:
        counts.append(f"lag {kernel['lag']:.3f}s")
    yield (f"{safe(kernel['kind'])} kernel in thread {safe(kernel['thread_name'])}, {safe(kernel['state'])}: "
           f"{', '.join(counts)}")
    if not kernel["answered"]:
        task = next((task for task in kernel["tasks"] if task["state"] == "running"), None)
        holder = "a callback" if task is None else label(task)
        yield f"  It makes no step: {holder} holds it up{at(view, _innermost(kernel, task))}."


def _innermost(kernel: Data, task: Data | None) -> Data | None:
    """Where what holds the kernel up is."""
    if task is not None:
        return task["where"]  # type: ignore[no-any-return]  # by the schema
    program = [place for place in kernel["stack"] if not place["library"]]
    return program[-1] if program else None


def _table(view: View, full: bool) -> Iterator[str]:
    rows: list[tuple[str, ...] | str] = [("ID", "NAME", "STATE", "SINCE", "WAITS-FOR", "WHERE")]
    for task, alike in folded(view.kernel["tasks"], full):
        rows.append((str(task["id"]), cut(safe(task["name"]), NAME), _state(task), since_of(view, task),
                     wait_cell(view, task), place_of(view, task["where"]) or "-"))
        if alike:
            rows.append(f"... and {alike:,} more like it")
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]) - 1)]
    for row in rows:
        if isinstance(row, str):
            yield " " * (widths[0] + 2) + row
        else:
            middle = [cell.ljust(width) for cell, width in zip(row[1:], widths[1:])]
            yield "  ".join([row[0].rjust(widths[0]), *middle, row[-1]])


def folded(tasks: Iterable[Data], full: bool = False) -> Iterator[tuple[Data, int]]:
    """The tasks that are to be shown, each with how many more are not, which wait alike and at the same place."""
    alike: dict[tuple[Any, ...], list[Data]] = {}
    tasks = list(tasks)
    keys = [(task["state"], task["waits_for"], task["free"], task["parent"],
             *[(place["file"], place["line"]) for place in task["stack"]]) for task in tasks]
    for key, task in zip(keys, tasks):
        alike.setdefault(key, []).append(task)
    for key, task in zip(keys, tasks):
        group = alike[key]
        if full or len(group) <= MANY:
            yield task, 0
        elif task is group[0]:
            yield task, 0
        elif task is group[1]:
            yield task, len(group) - 2


def _state(task: Data) -> str:
    return f"{task['state']}, daemon" if task["daemon"] else str(task["state"])


def tree(snapshot: Data, full: bool = False) -> str:
    """The tasks under those that wait for them or have them in a group, each in full once; and the circles of waits."""
    return for_each_kernel(snapshot, lambda view: [*Tree(view, full).lines(), *hangs(view)])


class Branch(NamedTuple):
    """A task in the tree, at one of its places."""

    task: int
    level: int
    relation: str  # to the task above: "child", or "awaits"
    again: bool  # it is in full further up
    alike: int  # so many more are like it, and not in the tree


class Tree:
    """Draws the tree of one kernel's tasks."""

    DEEPEST = 40  # levels that are set in; below, a line says its level by a number

    def __init__(self, view: View, full: bool) -> None:
        self._view = view
        self._full = full
        self._tasks = view.tasks
        self._below: dict[int, dict[int, str]] = {number: {} for number in self._tasks}
        for number, task in self._tasks.items():
            lock = view.lock_of(task)
            for other in task["awaits"]:
                if other in self._tasks and not (lock is not None and other in (lock["holders"] or ())):
                    self._below[number][other] = "awaits"
            if task["parent"] in self._tasks:
                self._below[task["parent"]][number] = "child"
        self._shown: set[int] = set()

    def lines(self) -> Iterator[str]:
        for branch in self.branches():
            level = branch.level
            indent = "    " * level if level <= self.DEEPEST else "    " * self.DEEPEST + f"[{level}] "
            task = self._tasks[branch.task]
            rest = ", shown above" if branch.again else f" {condition(self._view, task)}"
            yield indent + (f"{branch.relation} " if branch.relation else "") + label(task) + rest
            if branch.alike:
                yield indent + f"... and {branch.alike:,} more like it"

    def branches(self) -> Iterator[Branch]:
        above = {other for others in self._below.values() for other in others}
        roots = [number for number in self._tasks if number not in above]
        yield from self._draw(roots)
        yield from self._draw([number for number in self._tasks if number not in self._shown], circle=True)

    def _draw(self, roots: list[int], circle: bool = False) -> Iterator[Branch]:
        work = [iter([(number, "", alike) for number, alike in self._folded(roots)])]
        while work:
            entry = next(work[-1], None)
            if entry is None:
                work.pop()
                continue
            number, relation, alike = entry
            if circle and number in self._shown and not relation:
                continue  # it was reached from another task of its circle
            yield Branch(number, len(work) - 1, relation, number in self._shown, alike)
            if number not in self._shown:
                self._shown.add(number)
                below = self._below[number]
                work.append(iter([(other, below[other], more) for other, more in self._folded(sorted(below))]))

    def _folded(self, numbers: list[int]) -> Iterator[tuple[int, int]]:
        """As `folded`, for tasks that have nothing below them."""
        single = {number for number in numbers if not self._below[number] and number not in self._shown}
        tasks = [self._tasks[number] for number in numbers if number in single]
        more = {task["id"]: alike for task, alike in folded(tasks, self._full)}
        for number in numbers:
            if number not in single:
                yield number, 0
            elif number in more:
                yield number, more[number]
            else:
                self._shown.add(number)


def stack(snapshot: Data, pattern: str | None = None) -> str:
    """The chain of awaits of each task whose number or name is `pattern`, or whose name it matches; of all if None.

    The innermost frame is the last. Of a library's frames only the names are shown. Raises `ValueError`, with a list of
    the tasks, when there is none such.
    """
    chosen = {id(kernel): [task for task in kernel["tasks"] if matches(task, pattern)]
              for kernel in snapshot["kernels"]}
    if pattern is not None and not any(chosen.values()):
        tasks = [label(task) for kernel in snapshot["kernels"] for task, _ in folded(kernel["tasks"])]
        listed = ", ".join(tasks[:50]) + (", ..." if len(tasks) > 50 else "")
        there = f"there are {listed}" if tasks else "there is none"
        raise ValueError(f"no task has the number or the name {pattern!r}; {there}")
    return for_each_kernel(snapshot, lambda view: _stacks(view, chosen[id(view.kernel)], pattern is not None))


def _stacks(view: View, tasks: list[Data], full: bool = False) -> Iterator[str]:
    if view.kernel["stack"] and not full:
        yield ""
        yield "a callback is running:"
        yield from frames(view, view.kernel["stack"])
    for task, alike in folded(tasks, full):
        yield from _stack_of(view, task, alike)


def matches(task: Data, pattern: str | None) -> bool:
    return pattern is None or pattern in (str(task["id"]), task["name"]) or fnmatchcase(task["name"], pattern)


def _stack_of(view: View, task: Data, alike: int) -> Iterator[str]:
    yield ""
    waits = waits_for(view, task)
    since = "" if task["since"] is None else f" for {since_of(view, task)}"
    state = f"blocked on {waits}{since}{although(task)}" if waits else task["state"]
    yield f"{label(task)} is {state}:"
    yield from frames(view, task["stack"])
    if task["awaits"] and not (task["lock"] is not None and "held by" in waits):
        yield f"  which waits for {labels(view, task['awaits'])}"
    if alike:
        yield f"... and {alike:,} more like it"


def frames(view: View, stack: list[Data]) -> Iterator[str]:
    """The lines of a stack, each place with its line of the source where that is at hand."""
    for place in stack:
        if place["library"] and place["function"].endswith("__await__"):
            continue  # how Python awaits an object: nobody has called it
        if place["library"]:
            yield f"  File \"{_library_path(place['file'])}\", in {safe(place['function'])}"
        else:
            yield f"  File \"{path_of(view, place['file'])}\", line {place['line']}, in {safe(place['function'])}"
            source = linecache.getline(_whole_path(view, place["file"]), place["line"] or 0).strip()
            if source:
                yield f"    {safe(source)}"


def locks(snapshot: Data) -> str:
    """At what tasks wait in a line: who holds it, and who waits, in the order in which they will get it."""
    nothing = ["No task waits for a lock, a queue or the like."]
    return for_each_kernel(snapshot, lambda view: [*(list(_locks(view)) or nothing), *hangs(view, in_line=False)])


def _locks(view: View) -> Iterator[str]:
    for lock in view.kernel["locks"]:
        yield from _lock(view, lock)


def _lock(view: View, lock: Data) -> Iterator[str]:
    text = safe(lock["text"])
    if lock["holders"] and "held by" not in text:
        text += f", held by {labels(view, lock['holders'])}"
    elif lock["holders"] is None and any(waiter["call"] == "acquire" and view.tasks[waiter["task"]]["free"] is None
                                         for waiter in lock["waiters"] if waiter["task"] in view.tasks):
        text += ", held by a task that is not known"
    yield text
    for number in lock["holders"] or ():
        if number in view.tasks:
            yield f"  {label(view.tasks[number])} {condition(view, view.tasks[number])}"
    for place, waiter in enumerate(lock["waiters"], 1):
        if place > MANY and len(lock["waiters"]) > 2 * MANY:
            yield f"  ... and {len(lock['waiters']) - MANY:,} more"
            break
        task = view.tasks.get(waiter["task"])
        if task is not None:
            since = "" if task["since"] is None else f" for {since_of(view, task)}"
            yield f"  {place}. {label(task)} waits in {waiter['call']}(){since}{at(view, task['where'])}{although(task)}"


def everything(snapshot: Data) -> str:
    """All listings that have something to say, for a terminal."""
    argv = " ".join(map(safe, snapshot["argv"]))
    head = f"Process {snapshot['pid']}, Python {snapshot['python']}: {cut(argv, 200)}\n"

    def lines(view: View) -> Iterator[str]:
        yield from _table(view, False)
        yield from hangs(view)
        if view.kernel["locks"]:
            yield ""
            yield from _locks(view)
        yield from _stacks(view, view.kernel["tasks"])
    return head + for_each_kernel(snapshot, lines)


def _whole_path(view: View, file: str) -> str:
    return file if view.directory is None or file.startswith("<") else os.path.join(view.directory, file)


def _library_path(file: str) -> str:
    """The path of a library's file from the library's folder on: "asyncio/locks.py"."""
    parts = file.split(os.sep)
    for library in "asyncio", "compat", "kernel":
        if library in parts[:-1]:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(library):])
    return file
