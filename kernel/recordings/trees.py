"""The tree of tasks: who has spawned whom, and the order in which views show that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .moments import SPAWN
from .reading import Recording

DEEPEST = 16  # that is told apart


class Place(NamedTuple):
    """Where a task is in the tree."""

    task: int
    depth: int  # 0 for one that no task has spawned


class Tree:
    """The tasks of a recording. A task that another has made indirectly, by a callback, is spawned by that one too."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._children: dict[int, list[int]] = {}  # of tasks; of kernels, by their negative numbers
        known: set[int] = set()
        for moment in recording.moments:
            if moment.kind == SPAWN and moment.task not in known:
                known.add(moment.task)
                kernel = recording.tasks[moment.task]["kernel"]
                parent = self._task_behind(moment.first)
                if parent not in known or recording.tasks[parent]["kernel"] != kernel:
                    parent = -kernel
                self._children.setdefault(parent, []).append(moment.task)

    def _task_behind(self, cause: int) -> int:
        """The task at the beginning of a chain of causes; 0 if there is none."""
        while cause > 0:
            cause = self._recording.causes.get(cause, {}).get("by", 0)
        return -cause

    def of(self, kernel: int) -> Iterator[Place]:
        """The tasks of a kernel: each before those that it has spawned, and these before the next one."""
        rest = [Place(task, 0) for task in reversed(self._children.get(-kernel, ()))]
        while rest:
            place = rest.pop()
            yield place
            depth = min(place.depth + 1, DEEPEST)
            rest += [Place(child, depth) for child in reversed(self._children.get(place.task, ()))]
