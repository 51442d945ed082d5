"""What has changed in a kernel since the last line of a live view: told by the process, and applied by the tool.

Of 10,000 tasks most wait from one line to the next. So a line has only the tasks that are new or have changed, each as a
list of values, and the numbers of those that have ended. Tasks that wait at the same place share a stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..insight.usage import Used
from .shapes import fits, number, or_none

Data = dict[str, Any]


# What is sent of a task, and what each value has to be: of a snapshot (docs/dump.md) but for `until`, which is the
# deadline on the kernel's clock, and `stack`, the number of a stack. Then come the figures of `Used`.
TASK = {"name": str, "state": str, "daemon": bool, "parent": or_none(int), "kind": or_none(str),
        "waits_for": or_none(str), "free": or_none(str), "since": or_none(number), "awaits": [int], "lock": or_none(int),
        "until": or_none(number), "descriptor": or_none(int), "stack": int,
        "steps": int, "busy": number, "longest": number, "longest_at": str}
COPIED = tuple(TASK)[:10]
NOTHING = Used(0, 0.0, 0.0, "")
WHOLE = ("locks", "circles")  # sent as they are when they have changed

PLACE = {"file": str, "line": or_none(int), "function": str, "library": bool}
LOCK = {"id": int, "kind": str, "text": str, "holders": or_none(list), "waiters": [{"task": int, "call": str}]}
LINK = {"task": int, "awaits": int, "lock": or_none(int)}
CHANGES = {"id": int, "kind": str, "thread_name": str, "answered": bool, "now": number, "state": str, "ready": int,
           "timers": int, "descriptors": or_none(int), "lag": or_none(number), "stack": [PLACE], "tasks": [list],
           "ended": [int], "stacks": [list], "steps": int, "busy": number, "longest": number}
LINE = {"schema": int, "pid": int, "argv": [str], "python": str, "directory": or_none(str), "seconds": number,
        "kernels": [CHANGES]}


class Nonsense(Exception):
    """What is no line of a live view."""


class Sender:
    """Makes out the changes of one kernel, in the process."""

    def __init__(self) -> None:
        self._tasks: dict[int, list[Any]] = {}
        self._stacks: dict[tuple[Any, ...], int] = {}  # those that some task has, with their numbers
        self._stacks_made = 0
        self._whole: Data = {}

    def changes(self, kernel: Data, used: Mapping[int, Used]) -> Data:
        """The changes that make `kernel`, of a snapshot, out of the one before; `used` has the figures of its tasks."""
        tasks: dict[int, list[Any]] = {}
        stacks: dict[tuple[Any, ...], int] = {}
        new_stacks = []
        keys: dict[int, tuple[Any, ...]] = {}  # by the identity of the list, which many tasks share
        for task in kernel["tasks"]:
            stack = task["stack"]
            key = keys.get(id(stack))
            if key is None:
                key = keys[id(stack)] = tuple(value for place in stack for value in place.values())
            if key not in stacks:
                number = self._stacks.get(key)
                if number is None:
                    number = self._stacks_made
                    self._stacks_made += 1
                    new_stacks.append([number, stack])
                stacks[key] = number
            until = None if task["deadline"] is None else round(kernel["now"] + task["deadline"], 6)
            tasks[task["id"]] = [*[task[field] for field in COPIED], until, task["descriptor"], stacks[key],
                                 *used.get(task["id"], NOTHING)]
        changes = {key: value for key, value in kernel.items() if key not in ("tasks", *WHOLE)}
        changes["tasks"] = [[number, *row] for number, row in tasks.items() if self._tasks.get(number) != row]
        changes["ended"] = [number for number in self._tasks if number not in tasks]
        changes["stacks"] = new_stacks
        for name in WHOLE:
            if self._whole.get(name) != kernel[name]:
                changes[name] = self._whole[name] = kernel[name]
        self._tasks, self._stacks = tasks, stacks
        return changes


class Receiver:
    """Applies the changes of one kernel, in the tool."""

    def __init__(self) -> None:
        self._tasks: dict[int, Data] = {}
        self._stacks: dict[int, list[Data]] = {}
        self._whole: Data = {name: [] for name in WHOLE}
        self._busy: list[int] = []  # the tasks that were busy in the last line

    def apply(self, changes: Data, seconds: float) -> Data:
        """The kernel as in a snapshot. Each task also has a `share`: how much of the last `seconds` it was busy.

        What was returned before stays as it is. `changes` fit `CHANGES`; raises `Nonsense` where they are wrong.
        """
        for pair in changes["stacks"]:
            check(len(pair) == 2 and isinstance(pair[0], int) and fits(pair[1], [PLACE]), "a stack")
            self._stacks[pair[0]] = pair[1]
        for name, pattern in zip(WHOLE, (LOCK, [LINK])):
            if name in changes:
                check(fits(changes[name], [pattern]), name)
                self._whole[name] = changes[name]
        tasks = self._tasks
        for ended in changes["ended"]:
            tasks.pop(ended, None)
        for idle in self._busy:
            if idle in tasks:
                tasks[idle] = {**tasks[idle], "share": 0.0}
        self._busy = []
        for row in changes["tasks"]:
            task = self._task(row)
            before = tasks[task["id"]]["busy"] if task["id"] in tasks else 0.0
            task["share"] = (task["busy"] - before) / seconds if seconds > 0 else 0.0
            if task["share"]:
                self._busy.append(task["id"])
            tasks[task["id"]] = task
        self._tasks = tasks = dict(sorted(tasks.items()))
        used = {task["stack_number"] for task in tasks.values()}
        self._stacks = {index: stack for index, stack in self._stacks.items() if index in used}
        locks = len(self._whole["locks"])
        check(all(task["lock"] is None or 0 < task["lock"] <= locks for task in tasks.values()), "the lock of a task")
        check(all(link["task"] in tasks and link["awaits"] in tasks and (link["lock"] is None or 0 < link["lock"] <= locks)
                  for circle in self._whole["circles"] for link in circle), "a circle")
        return {**changes, **self._whole, "tasks": list(tasks.values())}

    def _task(self, row: list[Any]) -> Data:
        check(len(row) == 1 + len(TASK) and isinstance(row[0], int), "a task")
        task: Data = {"id": row[0], **dict(zip(TASK, row[1:]))}
        check(fits(task, TASK), "a task")
        check(task["stack"] in self._stacks, "the stack of a task")
        task["stack_number"] = task["stack"]
        task["stack"] = stack = self._stacks[task["stack_number"]]
        task["where"] = next((place for place in reversed(stack) if not place["library"]), None)
        return task


def check(right: bool, what: str) -> None:
    if not right:
        raise Nonsense(f"{what} is not as it should be")
