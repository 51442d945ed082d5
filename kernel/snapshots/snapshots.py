"""A snapshot: the kernels of this process and their tasks as they are now, as plain data (docs/dump.md has the schema).

It is made in two phases. `copying` copies what will have changed a moment later, while the program stands still. All
the rest follows from the copy, and another thread may do it: the lines of the source, the relations in the other
direction, the circles.

A kernel is copied in its own thread. One that does not come to it, since something holds it up, is copied from outside.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from ..core import Kernel
from ..insight.finding import running_kernels
from ..insight.requests import plain
from ..task import Task
from .circles import circles
from .copying import KernelCopy, Spot, copy_kernel, cut, in_order
from .lines import LockCopy

SCHEMA = 1
PATIENCE = 0.25  # seconds; a kernel that has not made a copy of itself by then is held up by something


def tasks() -> list[Task[Any]]:
    """The tasks that are not done of the kernel that runs in this thread; of all kernels, if none runs here."""
    here, running = threading.get_ident(), running_kernels()
    kernels = [kernel for thread, kernel in running if thread == here] or [kernel for _, kernel in running]
    return [task for kernel in kernels for task in in_order(kernel)]


def snapshot(*, data: bool = True) -> dict[str, Any]:
    """All kernels that run in this process, and their tasks, as plain data: what `json.dumps` accepts.

    Any thread may call this, and so may the handler of a signal. A kernel that runs in another thread gets 0.25 seconds
    to come to it between two steps. After that it is copied as it is, and `answered` is False. Without `data` the
    snapshot leaves out the program's values: the arguments of requests, and those on the command line.
    """
    return {**process(data), "kernels": [plain_data(copy) for copy in copy_all(data)]}


def process(data: bool = True) -> dict[str, Any]:
    """What a snapshot says of the process itself."""
    argv = [cut(plain(str(argument))) for argument in sys.argv[:None if data else 1]]
    return {"schema": SCHEMA, "pid": os.getpid(), "argv": argv, "python": sys.version.split()[0], "directory": directory()}


def directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return None


def copy_all(data: bool = True) -> list[KernelCopy]:
    """Copies of all kernels that run in this process."""
    return [copy for _, copy in copies_of(running_kernels(), data)]


def copies_of(running: list[tuple[int, Kernel]], data: bool = True) -> list[tuple[Kernel, KernelCopy]]:
    """Copies of those kernels, which run in these threads; without those that have ended meanwhile."""
    here = threading.get_ident()
    orders = [(thread == here, kernel, Order(kernel, thread, data)) for thread, kernel in running]
    for own, _, order in orders:
        if not own:
            order.place()  # all of them before the first wait
    until = time.monotonic() + PATIENCE
    copies = [(kernel, order.copy_here() if own else order.get(until)) for own, kernel, order in orders]
    return [(kernel, copy) for kernel, copy in copies if copy is not None]


class Order:
    """A copy that a kernel in another thread is asked to make of itself."""

    def __init__(self, kernel: Kernel, thread: int, data: bool) -> None:
        self._kernel = kernel
        self.copy_here = partial(copy_kernel, kernel, thread, data)
        self._made: KernelCopy | BaseException | None = None
        self._over = threading.Event()  # it is made, or nobody waits for it any more
        self._placed = 0.0

    def place(self, step: Callable[[], None] | None = None) -> None:
        """Have the kernel begin, or make the next `step`."""
        self._placed = time.monotonic()
        try:
            self._kernel.call_from_thread(step or self._number)
        except RuntimeError:  # the kernel has been closed meanwhile
            self._over.set()

    def _number(self) -> None:
        # By itself: to give 10,000 tasks of asyncio's kind their numbers takes a third of the time of a copy, and the
        # program is to go on in between.
        if not self._over.is_set():
            try:
                in_order(self._kernel)
            except BaseException as error:
                self._fail(error)
            else:
                self.place(self._make)

    def _make(self) -> None:
        if not self._over.is_set():
            try:
                self._made = self._copy_late()
            except BaseException as error:
                self._fail(error)
            self._over.set()

    def _fail(self, error: BaseException) -> None:
        """Raise `error` in who has ordered the copy, and not in the kernel."""
        self._made = error
        self._over.set()

    def get(self, until: float) -> KernelCopy | None:
        """Wait for the copy, or make it here; None if the kernel has ended."""
        if not self._over.wait(max(0.0, until - time.monotonic())):
            self._over.set()
            if self._made is None:
                runs = any(kernel is self._kernel for _, kernel in running_kernels())
                return self._copy_late() if runs else None
        if isinstance(self._made, BaseException):
            raise self._made
        return self._made

    def _copy_late(self) -> KernelCopy:
        """A copy that says how long it has waited for its turn: as long as any task that is ready."""
        waited = time.monotonic() - self._placed
        copy = self.copy_here(called=True)
        return copy._replace(lag=max(copy.lag or 0.0, waited))


def plain_data(copy: KernelCopy) -> dict[str, Any]:
    """What a copy of a kernel tells, as plain data."""
    spots = Spots()
    holders = {lock.id: lock.holders or [] for lock in copy.locks}
    awaits = {}
    for number, _, _, _, _, _, wait, _ in copy.tasks:
        awaits[number] = [] if wait is None else wait[2]
        if wait is not None and wait[3] is not None and len(holders[wait[3]]) == 1:
            awaits[number] = [*wait[2], *(holder for holder in holders[wait[3]] if holder != number)]
    awaited_by: dict[int, list[int]] = {number: [] for number in awaits}
    for number, others in awaits.items():
        for other in others:
            if other in awaited_by:
                awaited_by[other].append(number)
    tasks = [
        {"id": number, "name": name, "state": state, "daemon": daemon, "parent": parent, "kind": wait and wait[0],
         "waits_for": wait and wait[1], "free": wait and wait[6], "since": since,
         "where": spots.innermost_of_program(stack), "stack": spots.places(stack), "awaits": awaits[number],
         "awaited_by": awaited_by[number], "lock": wait and wait[3], "deadline": None if wait is None or wait[4] is None else wait[4] - copy.now,
         "descriptor": wait and wait[5]}
        for number, name, state, daemon, parent, since, wait, stack in copy.tasks]
    lock_of = {number: wait[3] for number, _, _, _, _, _, wait, _ in copy.tasks if wait is not None}
    return {"kind": copy.kind, "thread": copy.thread, "thread_name": copy.thread_name, "answered": copy.answered,
            "now": copy.now, "state": copy.state, "ready": copy.ready, "timers": copy.timers,
            "descriptors": copy.descriptors, "lag": copy.lag, "stack": spots.places(copy.stack), "tasks": tasks,
            "locks": [_plain_lock(lock) for lock in copy.locks],
            "circles": [[_link(task, other, lock_of.get(task), holders)
                         for task, other in zip(circle, circle[1:] + circle[:1])] for circle in circles(awaits)]}


def _plain_lock(lock: LockCopy) -> dict[str, Any]:
    return {"id": lock.id, "kind": lock.kind, "text": lock.text, "holders": lock.holders,
            "waiters": [{"task": task, "call": call} for call, tasks in lock.waiting.items() for task in tasks]}


def _link(task: int, other: int, lock: int | None, holders: dict[int, list[int]]) -> dict[str, Any]:
    return {"task": task, "awaits": other, "lock": lock if lock is not None and other in holders[lock] else None}


class Spots:
    """Finds the lines of places in the code. Many tasks are at the same place, so what is found is kept."""

    def __init__(self) -> None:
        self._stacks: dict[int, list[dict[str, Any]]] = {}

    def places(self, stack: list[Spot]) -> list[dict[str, Any]]:
        found = self._stacks.get(id(stack))
        if found is None:
            found = self._stacks[id(stack)] = [
                {"file": code.co_filename, "line": line_of(code, offset), "function": code.co_qualname,
                 "library": library}
                for code, offset, library in stack]
        return found

    def innermost_of_program(self, stack: list[Spot]) -> dict[str, Any] | None:
        place = next((place for place in reversed(self.places(stack)) if not place["library"]), None)
        return None if place is None else {key: place[key] for key in ("file", "line", "function")}


def line_of(code: CodeType, offset: int) -> int:
    """The line to which the instruction at `offset` belongs; the first one when the code has not started."""
    found = code.co_firstlineno
    for start, _, line in code.co_lines():
        if start > offset:
            break
        if line is not None:
            found = line
    return found
