"""The locks, queues, events and the like that tasks have waited at: what state they are in, as it changes.

Nothing tells of a change, since many need no request: an item is put into a queue by a plain call, for example. So the
recorder looks at the state of those that were used last, before and after each step of a task.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic_ns
from typing import Any

from ..core import Kernel
from ..insight.requests import chain, shown
from ..snapshots.holders import blocks_of, held_by
from ..snapshots.lines import describe
from ..task import Task
from .rows import KINDS, THING, UNKNOWN_STATE
from .tables import Tables

MOST = 64  # that are looked at, those that were used last
MOST_KNOWN = 1000  # others that are not given a new number when they are used again
MOST_HOLDERS = 1000  # tasks among which the holder of a lock is searched
ITEMS = 12  # of a queue that are shown
LIMIT = 24  # characters of one


class Thing:
    """One of them."""

    def __init__(self, number: int, thing: Any) -> None:
        self.number = number
        self.thing = thing
        self.state: tuple[Any, ...] = ()
        self.holder = 0  # of a lock that does not know it itself
        self.was_locked = False


class Things:
    """Those at which the tasks of one kernel wait. `number_of` gives the number that a task has in the recording."""

    def __init__(self, kernel: Kernel, tables: Tables, number_of: Callable[[Task[Any]], int]) -> None:
        self._kernel = kernel
        self.kernel_number = 0  # in the recording
        self._tables = tables
        self._data = tables.data
        self._number_of = number_of
        self.live: dict[int, Thing] = {}  # by identity; those that were used last are at the end
        self._known: dict[int, Thing] = {}  # the same, of those that are not looked at
        self._at: weakref.WeakKeyDictionary[Task[Any], Any] = weakref.WeakKeyDictionary()  # where tasks stand in a line

    def leave(self, task: Task[Any]) -> None:
        """The task runs: it waits at nothing any more."""
        self._at.pop(task, None)

    def number(self, thing: Any, task: Task[Any]) -> int:
        """The number of `thing`, at which `task` is about to wait."""
        self._at[task] = thing
        known = self.live.pop(id(thing), None)
        if known is None:
            if len(self.live) >= MOST:
                self._look_away()
            known = self._known.pop(id(thing), None) or self._define(thing)
        self.live[id(thing)] = known
        return known.number

    def _define(self, thing: Any) -> Thing:
        known = Thing(next(self._tables.things), thing)
        self._tables.writer.definitions.append({"thing": known.number, "kernel": self.kernel_number,
                                                "kind": describe(thing, False)[0]})
        return known

    def _look_away(self) -> None:
        """From the thing that was not used for the longest time. It keeps its number for a while."""
        known = self.live.pop(next(iter(self.live)))
        known.state = ()
        self._known[id(known.thing)] = known
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._tables.writer.rows.extend(
            (KINDS * self.kernel_number + THING, monotonic_ns(), known.number, UNKNOWN_STATE))

    def look(self, now: int, woken: Task[Any] | None = None) -> None:
        """Note what has changed.

        Who releases a lock makes `woken` its owner, and wakes it. That lock is noted at the next look, after the wake:
        before it a task would seem to wait for what it holds itself, in a circle.
        """
        new_owner = 0 if woken is None else self._number_of(woken)
        for known in self.live.values():
            thing = known.thing
            text = describe(thing, self._data)[1]
            items = items_of(thing)
            size = None if items is None else (len(items), id(items[0]) if items else 0)
            owners = self._owners(known)
            state = text, size, owners
            if state != known.state and not (owners and new_owner in owners):
                known.state = state
                self._note(known, now, text, items, owners)

    def _note(self, known: Thing, now: int, text: str, items: Any, owners: tuple[int, ...] | None) -> None:
        details: dict[str, Any] = {"thing": known.number, "text": text}
        if owners is not None:
            details["owners"] = list(owners)
        if items is not None:
            details["size"] = len(items)
            if self._data:
                details["items"] = [shown(item, LIMIT) for item in islice(items, ITEMS)]
        key = known.number, text, owners, tuple(details.get("items", ()))
        number = self._tables.states.number(key, **details)
        self._tables.writer.rows.extend((KINDS * self.kernel_number + THING, now, known.number, number))

    def _owners(self, known: Thing) -> tuple[int, ...] | None:
        """The tasks that hold a lock; None if it is none, or nobody knows."""
        thing = known.thing
        if hasattr(thing, "owner"):
            return () if thing.owner is None else (self._number_of(thing.owner),)
        if not callable(getattr(thing, "locked", None)) or hasattr(thing, "_value"):  # a semaphore has many holders
            return None
        locked = thing.locked()
        if locked and not known.was_locked:
            tasks: Iterable[Task[Any]] = islice(self._kernel.everyone(), MOST_HOLDERS)
            found = next((task for task in tasks if self._at.get(task) is not thing and holds(task, thing)), None)
            known.holder = 0 if found is None else self._number_of(found)
            locked = found is not None  # else look again the next time
        elif not locked:
            known.holder = 0
        known.was_locked = locked
        return (known.holder,) if known.holder else () if not thing.locked() else None


def holds(task: Task[Any], lock: Any) -> bool:
    """Whether the task is suspended inside of a block `async with lock:`, or on its way into one."""
    return any(held is lock for code in chain(task)[0] for manager in blocks_of(code) for held in held_by(manager))


def items_of(thing: Any) -> Any:
    """The items of a queue."""
    for name in "items", "_items", "_queue":
        items = getattr(thing, name, None)
        if items is not None and hasattr(items, "__len__"):
            return items
    return None
