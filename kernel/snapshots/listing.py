"""Listings for a person to read, made of a snapshot alone: the process that prints may be another than the program's.

What a program has named, or what its objects print, may hold anything: control characters are shown as escapes, so none
reaches the terminal, and long texts are cut.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .drawing import circle_lines

Data = dict[str, Any]  # of a snapshot, of a kernel, of a task; docs/dump.md has the schema

NAME, WAIT = 24, 60  # characters of a name and of a wait that fit in a column
MANY = 5  # so many equal tasks are listed; of more, only the first two
NO_KERNEL = "No kernel runs in this process.\n"


class View:
    """One kernel of a snapshot, with its tasks by their numbers."""

    def __init__(self, snapshot: Data, kernel: Data) -> None:
        self.directory: str | None = snapshot["directory"]
        self.kernel = kernel
        self.tasks: dict[int, Data] = {task["id"]: task for task in kernel["tasks"]}


def ps(snapshot: Data, full: bool = False) -> str:
    """A table of the tasks of each kernel. Many that wait alike are one line, unless `full` asks for all."""
    return for_each_kernel(snapshot, lambda view: [*_table(view, full), *_circles(view)])


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
        yield f"  It makes no step: {holder} holds it up{_at(view, _innermost(kernel, task))}."


def _innermost(kernel: Data, task: Data | None) -> Data | None:
    """Where what holds the kernel up is."""
    if task is not None:
        return task["where"]  # type: ignore[no-any-return]  # by the schema
    program = [place for place in kernel["stack"] if not place["library"]]
    return program[-1] if program else None


def _table(view: View, full: bool) -> Iterator[str]:
    rows: list[tuple[str, ...] | str] = [("ID", "NAME", "STATE", "SINCE", "WAITS-FOR", "WHERE")]
    for task, alike in folded(view.kernel["tasks"], full):
        rows.append((str(task["id"]), cut(safe(task["name"]), NAME), _state(task), _since(view, task),
                     cut(waits_for(view, task) or "-", WAIT), place_of(view, task["where"]) or "-"))
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
    keys = [(task["state"], task["waits_for"], task["parent"],
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


def _since(view: View, task: Data) -> str:
    return "-" if task["since"] is None else duration(view.kernel["now"] - task["since"])


def waits_for(view: View, task: Data) -> str:
    """What a task waits for, with who holds it where that is a lock that does not say so itself."""
    text = safe(task["waits_for"] or "")
    lock = _lock_of(view, task)
    if lock is not None and lock["holders"] and "held by" not in text:
        return f"{text}, held by {labels(view, lock['holders'])}"
    return text


def _lock_of(view: View, task: Data) -> Data | None:
    return None if task["lock"] is None else view.kernel["locks"][task["lock"] - 1]


def tree(snapshot: Data, full: bool = False) -> str:
    """The tasks under those that wait for them or have them in a group, each in full once; and the circles of waits."""
    return for_each_kernel(snapshot, lambda view: [*Tree(view, full).lines(), *_circles(view)])


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
            lock = _lock_of(view, task)
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


def condition(view: View, task: Data) -> str:
    """What a task does, and where: "is blocked on sleep(1.5) at main.py:12 in main"."""
    waits = waits_for(view, task)
    since = "" if task["since"] is None else f" for {_since(view, task)}"
    state = f"is blocked on {cut(waits, WAIT)}{since}" if waits else f"is {task['state']}"
    return state + _at(view, task["where"])


def _at(view: View, place: Data | None) -> str:
    return "" if place is None else f" at {place_of(view, place)}"


def _circles(view: View) -> Iterator[str]:
    return circles_of(view, view.kernel["circles"])


def circles_of(view: View, circles: Iterable[list[Data]]) -> Iterator[str]:
    """Each of the circles, which are lists of links, as a picture."""
    for circle in circles:
        yield f"{len(circle):,} tasks wait in a circle:" if len(circle) > 1 else "1 task waits for itself:"
        yield from circle_lines([_link(view, link) for link in circle])


def _link(view: View, link: Data) -> tuple[str, str]:
    """A task of a circle with its place, and why it waits for the next one."""
    task = view.tasks[link["task"]]
    if link["lock"] is not None:
        wait = f"waits for a {view.kernel['locks'][link['lock'] - 1]['kind']}, held by"
    else:
        call = safe(task["waits_for"] or "?")
        wait = f"waits {'' if call.startswith('wait(task ') else f'in {cut(call, WAIT)} '}for the end of"
    return label(task) + _at(view, task["where"]), wait


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
    since = "" if task["since"] is None else f" for {_since(view, task)}"
    yield f"{label(task)} is blocked on {waits}{since}:" if waits else f"{label(task)} is {task['state']}:"
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
            yield f"  File \"{_path(view, place['file'])}\", line {place['line']}, in {safe(place['function'])}"
            source = linecache.getline(_whole_path(view, place["file"]), place["line"] or 0).strip()
            if source:
                yield f"    {safe(source)}"


def locks(snapshot: Data) -> str:
    """At what tasks wait in a line: who holds it, and who waits, in the order in which they will get it."""
    nothing = ["No task waits for a lock, a queue or the like."]
    return for_each_kernel(snapshot, lambda view: [*(list(_locks(view)) or nothing), *_circles(view)])


def _locks(view: View) -> Iterator[str]:
    for lock in view.kernel["locks"]:
        yield from _lock(view, lock)


def _lock(view: View, lock: Data) -> Iterator[str]:
    text = safe(lock["text"])
    if lock["holders"] and "held by" not in text:
        text += f", held by {labels(view, lock['holders'])}"
    elif lock["holders"] is None and any(waiter["call"] == "acquire" for waiter in lock["waiters"]):
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
            since = "" if task["since"] is None else f" for {_since(view, task)}"
            yield f"  {place}. {label(task)} waits in {waiter['call']}(){since}{_at(view, task['where'])}"


def everything(snapshot: Data) -> str:
    """All listings that have something to say, for a terminal."""
    argv = " ".join(map(safe, snapshot["argv"]))
    head = f"Process {snapshot['pid']}, Python {snapshot['python']}: {cut(argv, 200)}\n"

    def lines(view: View) -> Iterator[str]:
        yield from _table(view, False)
        yield from _circles(view)
        if view.kernel["locks"]:
            yield ""
            yield from _locks(view)
        yield from _stacks(view, view.kernel["tasks"])
    return head + for_each_kernel(snapshot, lines)


def label(task: Data) -> str:
    return f"task {task['id']} '{cut(safe(task['name']), NAME)}'"


def labels(view: View, numbers: list[int]) -> str:
    names = [label(view.tasks[number]) for number in numbers[:MANY] if number in view.tasks]
    return ", ".join(names) + (f" and {len(numbers) - MANY:,} more" if len(numbers) > MANY else "")


def place_of(view: View, place: Data | None) -> str | None:
    if place is None:
        return None
    return f"{_path(view, place['file'])}:{place['line']} in {safe(place['function'])}"


def _path(view: View, file: str) -> str:
    """The path of a file, from the program's directory on if it is in there."""
    inside = "" if view.directory is None else os.path.join(view.directory, "")
    return safe(file.removeprefix(inside))


def _whole_path(view: View, file: str) -> str:
    return file if view.directory is None or file.startswith("<") else os.path.join(view.directory, file)


def _library_path(file: str) -> str:
    """The path of a library's file from the library's folder on: "asyncio/locks.py"."""
    parts = file.split(os.sep)
    for library in "asyncio", "compat", "kernel":
        if library in parts[:-1]:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(library):])
    return file


def duration(seconds: float) -> str:
    """A span of time, in three digits or so: "0.5s", "3m05s", "2h10m"."""
    if seconds < 100:
        return f"{seconds:.1f}s"
    if seconds < 6000:
        return f"{int(seconds) // 60}m{int(seconds) % 60:02}s"
    return f"{int(seconds) // 3600}h{int(seconds) // 60 % 60:02}m"


def plural(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 3] + "..."


def safe(text: str) -> str:
    """`text` without control characters, nor others that a terminal does not show as they are."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
