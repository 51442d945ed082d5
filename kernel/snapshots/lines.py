"""The locks, queues and the like at which tasks wait in a line, and who holds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core import Kernel
from ..insight.names import number
from ..insight.requests import chain, plain
from ..sync.queues import show_size
from ..task import Task
from .holders import blocks_of, held_by
from .relations import Place


class LockCopy:
    """A lock, a queue or the like at the moment of the copy. Tasks are referred to by their numbers."""

    def __init__(self, number: int, thing: Any, data: bool) -> None:
        self.id = number
        self.kind, self.text = describe(thing, data)
        self.holders: list[int] | None = None  # None: it is no lock, or nobody knows who holds it
        self.waiting: dict[str, list[int]] = {}  # by what they do there: the tasks, first come first


class Lines:
    """Collects at what the tasks of a kernel wait, while it is being copied."""

    def __init__(self, kernel: Kernel, data: bool) -> None:
        self._kernel = kernel
        self._data = data
        self._locks: dict[int, LockCopy] = {}  # by the identity of the object
        self._places: dict[tuple[int, str], Place] = {}  # the same, with a call; they keep the objects alive meanwhile
        self._at: dict[int, Any] = {}  # by the number of a task: the object at which it waits, or has just been woken
        self._futures: dict[int, int] = {}  # by the identity of a future in a line: the task that awaits it

    def join(self, task: Task[Any], place: Place) -> int:
        """Note that `task` waits at `place`, and return the number of that lock."""
        thing = place.thing
        lock = self._locks.get(id(thing))
        if lock is None:
            lock = self._locks[id(thing)] = LockCopy(len(self._locks) + 1, thing, self._data)
        self._places.setdefault((id(thing), place.call), place)
        self._at[task.id] = thing
        self._futures[id(task.blocked_on)] = task.id
        return lock.id

    def leave(self, task: Task[Any], place: Place) -> None:
        """Note that `task` was woken there and has not run since, so that it holds nothing yet."""
        self._at[task.id] = place.thing

    def read(self, tasks: Iterable[Task[Any]]) -> list[LockCopy]:
        """The locks, with the lines and the holders; `tasks` may be the holders."""
        wanted: dict[int, LockCopy] = {}
        for (identity, call), place in self._places.items():
            lock = self._locks[identity]
            waiting = [self._number(waiter) for waiter in list(place.line())]
            lock.waiting[call] = [waiter for waiter in waiting if waiter is not None]
            if hasattr(place.thing, "owner"):
                owner = self._number(place.thing.owner)
                lock.holders = None if owner is None else [owner]
            elif call == "acquire":
                wanted[identity] = lock
        if wanted:
            self._find_holders(wanted, tasks)
        return list(self._locks.values())

    def _number(self, waiter: Any) -> int | None:
        if isinstance(waiter, Task):
            return number(waiter) if waiter.kernel is self._kernel else None
        return self._futures.get(id(waiter))

    def _find_holders(self, wanted: dict[int, LockCopy], tasks: Iterable[Task[Any]]) -> None:
        """Look for the holders of the `wanted` locks, by the identities of these."""
        missing = set(wanted)
        several = any(lock.kind != "Lock" for lock in wanted.values())  # a semaphore may have more than one
        for task in sorted(tasks, key=lambda task: task.id in self._at):  # first those that wait in no line
            at = self._at.get(task.id)  # whose block it enters, or whose lock it has released to wait in it
            for code in chain(task)[0]:
                for manager in blocks_of(code):
                    for held in held_by(manager):
                        lock = wanted.get(id(held))
                        if lock is not None and at is not held and at is not manager:
                            lock.holders = sorted({*(lock.holders or ()), task.id})
                            missing.discard(id(held))
            if not (several or missing):
                return


def describe(thing: Any, data: bool) -> tuple[str, str]:
    """The kind of something that tasks wait at, and how it is: "Semaphore", "Semaphore with 0 left"."""
    kind = type(thing).__name__
    try:
        if type(thing).__module__.partition(".")[0] == "kernel":
            text = thing.describe() if hasattr(thing, "describe") else str(thing)
            return text.split()[0], text
        if hasattr(thing, "qsize"):
            return kind, f"{kind} with {show_size(thing.qsize(), thing.maxsize)}"
        if hasattr(thing, "parties"):
            return kind, f"{kind} with {thing.n_waiting} of {thing.parties} waiting"
        if hasattr(thing, "is_set"):
            return kind, f"{kind} {'set' if thing.is_set() else 'not set'}"
        if hasattr(thing, "_value"):  # of asyncio's Semaphore
            return kind, f"{kind} with {thing._value} left"
        if hasattr(thing, "execute") and data:  # a request of the program's own make
            return kind, plain(str(thing))
    except Exception:  # of a class of the program's
        return kind, f"{kind}, which cannot be described"
    return kind, kind
