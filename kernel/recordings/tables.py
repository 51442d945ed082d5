"""What has a number in a recording: stacks, requests, causes, texts. Each is defined once, and rows refer to it.

The tables forget what they know when they grow too large, since a program may make up texts without an end. What comes
again after that gets a second number, which means the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from itertools import count
from typing import Any

from ..insight.events import Cause
from .rows import UNKNOWN_CAUSE
from .writing import Definition, Writer

MOST = 20_000  # entries of a table
RECENT = 1000  # tasks that have ended whose numbers are still known


class Table:
    """Gives each definition of one kind a number, and has it written when it is new."""

    def __init__(self, kind: str, definitions: list[Definition]) -> None:
        self._kind = kind
        self._definitions = definitions
        self._numbers = count(1)
        self.known: dict[Hashable, int] = {}

    def number(self, key: Hashable, **details: Any) -> int:
        """The number of what is the same for equal keys; `details` say what it is."""
        number = self.known.get(key)
        if number is None:
            number = self.add(key)
            self._definitions.append({self._kind: number, **details})
        return number

    def add(self, key: Hashable) -> int:
        """A new number, for what the caller defines."""
        if len(self.known) >= MOST:
            self.known.clear()
        number = self.known[key] = next(self._numbers)
        return number


class Causes:
    """The numbers of causes; that of a task is negative."""

    def __init__(self, definitions: list[Definition]) -> None:
        self._table = Table("cause", definitions)

    def number(self, cause: Cause, tasks: dict[tuple[int, int], int]) -> int:
        """The number of `cause`; `tasks` has those of the tasks, by kernel and number."""
        if cause.who is not None:
            return -tasks.get(cause.who[:2], UNKNOWN_CAUSE)
        if cause.kind == "outside":
            return UNKNOWN_CAUSE
        by = None if cause.by is None else self.number(cause.by, tasks)
        return self._table.number((cause.kind, cause.text, by), kind=cause.kind, text=cause.text,
                                  **({} if by is None else {"by": by}))


class Tables:
    """All that has numbers in one recording."""

    def __init__(self, writer: Writer, data: bool) -> None:
        self.writer = writer
        self.data = data
        self.kernels = count(1)
        self.things = count(1)
        self.stacks = Table("stack", writer.definitions)
        self.sorts = Table("sort", writer.definitions)  # of tasks
        self.requests = Table("request", writer.definitions)
        self.texts = Table("text", writer.definitions)
        self.states = Table("state", writer.definitions)
        self.causes = Causes(writer.definitions)
        self.made = count(1)  # tasks
        self.hosts = count(1)
        self.packets = count(1)
        self.tasks: dict[tuple[int, int], int] = {}  # by their kernels and their numbers there: those not done, and
        self._ended: deque[tuple[int, int]] = deque()  # those that have ended last, which may still wake others

    def ended(self, kernel: int, number: int) -> None:
        """A task has ended: forget its number, but not at once."""
        self._ended.append((kernel, number))
        if len(self._ended) > RECENT:
            self.tasks.pop(self._ended.popleft(), None)

    def forget_kernel(self, kernel: int) -> None:
        """Forget the tasks of a kernel."""
        for key in [key for key in self.tasks if key[0] == kernel]:
            del self.tasks[key]
