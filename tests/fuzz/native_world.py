"""What a random native program finds: things to use, and a witness that watches how they behave.

A statement of the program is written with the witness's context managers around what it does: `at` sees the exceptions
that come out of a wait, `holding` who is in a locked section, and so on. What must never be is a violation. The rules
of scopes are in `native_scopes.py`, and `native_rest.py` has what must hold whenever nothing can run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import kernel
from kernel import Cancelled, Deadlock, Kernel, Task

# No exception of the kernel's for anything that a program does: it has lost its own thread.
INTERNAL = (AssertionError, AttributeError, KeyError, IndexError, NameError)


class Failure(Exception):
    """What a program raises; its argument is a number of its own."""


class Odd:
    """An item that does not compare with others."""

    def __repr__(self) -> str:
        return "an odd item"


@dataclass(frozen=True)
class Put:
    """Room in a queue, as something to wait for."""

    queue: kernel.Queue[Any]


@dataclass(frozen=True)
class Get:
    """An item of a queue, likewise."""

    queue: kernel.Queue[Any]


@dataclass
class Record:
    """What the witness knows of a task."""

    requests: int = 0  # to cancel it, made by statements and not taken back
    made: int = 0  # all requests that anybody can have made
    delivered: int = 0  # how often a cancellation was seen to come
    in_group: bool = False
    scopes: list[Any] = field(default_factory=list)  # that it is in, outermost first
    seen: list[BaseException] = field(default_factory=list)  # exceptions that were looked at
    foreign: list[BaseException] = field(default_factory=list)  # those of tasks that it has waited for
    waits: list[object] = field(default_factory=list)  # for what, the innermost last; None where that is not known


class World:
    """One run's things; `names` is the namespace of the program."""

    def __init__(self, runner: Kernel) -> None:
        self.kernel = runner
        self.log: list[str] = []
        self.violations: list[str] = []
        self.abandoned = False  # a task was thrown away at the end: what it had is not accounted for
        self.records: dict[Task[Any], Record] = {}
        self.tasks: dict[int, Task[Any]] = {}
        self.ends: dict[object, BaseException] = {}  # what tasks have ended with
        self.groups: dict[int, kernel.TaskGroup] = {}
        self.members: dict[kernel.TaskGroup, list[Task[Any]]] = {}
        self.limits: dict[int, kernel.Timeout] = {}
        self.locks = [kernel.Lock(), kernel.RLock()]
        self.conditions = [kernel.Condition(), kernel.Condition(kernel.RLock())]
        self.maxima = {kernel.Semaphore(1, maximum=1): 1, kernel.Semaphore(2, maximum=2): 2}
        self.semaphores = list(self.maxima)
        self.events = [kernel.Event(), kernel.Event()]
        self.barriers = [kernel.Barrier(2), kernel.Barrier(3)]
        self.boxes: list[kernel.Waitable[Any]] = [kernel.Waitable(), kernel.Waitable()]
        self.queues: list[kernel.Queue[Any]] = [kernel.Queue(), kernel.PriorityQueue(2), kernel.LifoQueue(1)]
        self.holders: dict[kernel.Lock, list[Task[Any]]] = {}  # as often as each holds it
        self.units: dict[kernel.Semaphore, int] = {}  # in use
        self.items: dict[Any, str] = {}  # "being put", "put", "not put" or "got"
        self.rounds: dict[str, int] = {}
        self.failures = 0
        # What became of each failure, by its number: "raised", "ended a task", "seen", "reported", in order.
        self.fates: dict[int, list[tuple[str, Any]]] = {}
        self._number = 0
        self.names: dict[str, Any] = {name: getattr(self, name) for name in (
            "tasks", "groups", "limits", "locks", "conditions", "semaphores", "events", "barriers", "boxes", "queues",
            "task", "life", "at", "lasting", "attempt", "caught", "fail", "cancel", "uncancel", "me", "now", "holding",
            "without", "unit", "putting", "put_now", "got", "call", "enough")}
        self.names.update(kernel=kernel, math=math, Failure=Failure, Put=Put, Get=Get)

    # Tasks

    def me(self) -> Task[Any]:
        if self.kernel.current is None:  # code is being closed, which the kernel does from outside
            self.abandoned = True
            return self.tasks[0]
        return self.kernel.current

    def now(self) -> float:
        return self.kernel.clock.now()

    @property
    def ending(self) -> bool:
        """Whether the main task is done, so that the kernel cancels what is left."""
        return self.kernel.main is None

    def record(self, task: Task[Any]) -> Record:
        return self.records.setdefault(task, Record())

    def task(self, number: int) -> Task[Any]:
        """The last task that was made of body `number`; where there is none, the main task."""
        return self.tasks.get(number, self.tasks[0])

    def tell(self, place: str, what: object) -> None:
        current = self.kernel.current
        who = f"task {current.id}" if current is not None else "a call"
        self.log.append(f"{self.now():<3g} {who} at {place}: {what}")

    def violation(self, what: str) -> None:
        self.tell("the witness", f"VIOLATION: {what}")
        self.violations.append(what)

    async def life(self, body: Callable[[], Any]) -> object:
        """What a task runs."""
        me = self.me()
        self.tell("the start", body.__name__)
        try:
            result = await body()
        except BaseException as error:
            self.ends[me] = error
            self.look(error)
            self.tell("the end", repr(error))
            self.check_requests("at the end of a task")
            for number in numbers(error):
                self.fates[number].append(("ended a task", me))
            raise
        self.tell("the end", "returned")
        self.check_requests("at the end of a task")
        return result

    # Exceptions

    def fail(self, place: str) -> None:
        self.failures += 1
        self.fates[self.failures] = []
        self.tell(place, f"fails, {self.failures}")
        raise Failure(self.failures)

    @contextmanager
    def at(self, place: str, target: object = None) -> Iterator[None]:
        """Around a wait for `target`, where that is something in particular."""
        waits = self.record(self.me()).waits
        waits.append(target)
        try:
            yield
        except BaseException as error:
            waits.pop()
            self.tell(place, repr(error))
            seen = self.record(self.me()).seen
            if self.comes_from(target, error):
                # The target's cancellation, or deadlock, and not this task's.
                seen.append(error)
                self.record(self.me()).foreign.append(error)
            if isinstance(error, Deadlock) and not any(error is other for other in seen):
                seen.append(error)
                self._check_circle(target)
            self.look(error)
            raise
        waits.pop()
        self.tell(place, "goes on")

    def comes_from(self, target: object, error: BaseException) -> bool:
        """Whether a task that was waited for has ended with such an exception.

        The kernel may have made a copy for this task, and asking for the original would count as seeing it.
        """
        if isinstance(error, Cancelled):
            return isinstance(target, Task) and target.cancelled()
        return type(self.ends.get(target)) is type(error)

    def look(self, error: BaseException) -> None:
        """Take note of an exception that has come up in the running task."""
        record = self.record(self.me())
        for number in numbers(error):
            self.fates[number].append(("seen", self.me()))
        if isinstance(error, GeneratorExit):
            self.abandoned = True
        if isinstance(error, INTERNAL):
            self.violation(f"the kernel failed itself: {error!r}")
        if isinstance(error, Cancelled) and not any(error is other for other in record.seen):
            record.seen.append(error)
            record.delivered += 1
            self.check_cancelled()

    def caught(self, place: str, error: BaseException) -> None:
        self.tell(place, f"caught {error!r}")
        self.look(error)
        if isinstance(error, GeneratorExit):
            raise error

    def attempt(self, place: str, function: Callable[[], object]) -> None:
        try:
            self.tell(place, function())
        except Exception as error:
            self.tell(place, repr(error))
            if isinstance(error, INTERNAL):
                self.violation(f"the kernel failed itself: {error!r}")

    def report(self, message: str, error: BaseException) -> None:
        """The kernel's exception hook."""
        self.tell("the exception hook", f"{message.splitlines()[0]}: {error!r}")
        if isinstance(error, INTERNAL):
            self.violation(f"the kernel failed itself: {error!r}")
        for number in numbers(error):
            self.fates[number].append(("reported", None))

    def _check_circle(self, target: object) -> None:
        """A wait was refused as a deadlock: is it one?"""
        if isinstance(target, kernel.Lock):
            if self.me() not in self.holders.get(target, []):
                self.violation("a deadlock was raised for a lock that another task holds")
            return
        link, links = target, 0
        while isinstance(link, Task) and link is not self.me() and links < 100:
            link, links = link.blocked_on, links + 1
        if link is not self.me() and not (isinstance(target, kernel.Waitable) and target.done()):
            self.violation("a deadlock was raised where there is no circle")

    # Cancellation

    def cancel(self, task: Task[Any], message: object = None) -> bool:
        done = task.cancel(message)
        if done:
            self.record(task).requests += 1
            self.record(task).made += 1
        return done

    def uncancel(self) -> str:
        """Take back a request to cancel the running task; a scope that it is in may count on its own."""
        record = self.record(self.me())
        if record.scopes:
            return "not inside of a scope"
        record.requests = max(0, record.requests - 1)
        return str(self.me().uncancel())

    def check_cancelled(self) -> None:
        """A cancellation has come to the running task: did anyone ask for it, and may it come here?"""
        me = self.me()
        record = self.record(me)
        if self.ending:
            return
        if record.delivered > record.made + record.in_group + sum(scope.interrupted for scope in record.scopes):
            self.violation(f"{me} was cancelled, and nobody had asked for it")
        inside = 0  # how many cancellations the scopes inside of a section have asked for
        for scope in reversed(record.scopes):
            if scope.shield:
                scope.delivered += 1
                if scope.delivered > scope.allowed + inside:
                    self.violation(f"{me} was cancelled from outside of a shielded section")
            inside += scope.interrupted

    def check_requests(self, when: str) -> None:
        """The count of the requests to cancel the running task has to be that of the requests that were made."""
        record = self.record(self.me())
        if self.ending or self.abandoned:
            return
        least = record.requests + sum(scope.certain for scope in record.scopes)
        most = record.requests + sum(scope.interrupted for scope in record.scopes) + record.in_group
        if not least <= self.me().cancelling() <= most:
            self.violation(f"cancelling() of {self.me()} {when} is {self.me().cancelling()}, not "
                           f"{least if least == most else f'{least} to {most}'}")

    # Things to wait for

    @contextmanager
    def lasting(self, place: str, seconds: float) -> Iterator[None]:
        """Around a sleep."""
        begin = self.now()
        yield
        if self.now() != begin + max(0, seconds):
            self.violation(f"a sleep of {seconds} s at {place} took {self.now() - begin} s")

    @contextmanager
    def holding(self, place: str, lock: kernel.Lock) -> Iterator[None]:
        me = self.me()
        holders = self.holders.setdefault(lock, [])
        if any(other is not me for other in holders):
            self.violation(f"{me} holds a lock at {place} that {holders[0]} holds")
        holders.append(me)
        with self.inside():
            try:
                with self.abandonment():
                    yield
            finally:
                if me in holders:
                    holders.remove(me)

    @contextmanager
    def abandonment(self) -> Iterator[None]:
        """Know whether the run has thrown the task away."""
        try:
            yield
        except GeneratorExit:
            self.abandoned = True
            raise

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What the task was waiting for it has."""
        waits = self.record(self.me()).waits
        waits.append(None)
        try:
            yield
        finally:
            waits.pop()

    def enough(self, place: str) -> bool:
        """Whether a loop has gone round often enough; some feed themselves for ever."""
        self.rounds[place] = self.rounds.get(place, 0) + 1
        return self.rounds[place] > 3

    @contextmanager
    def without(self, place: str, lock: kernel.Lock) -> Iterator[None]:
        """Around a wait on a condition, whose lock is given up meanwhile."""
        me = self.me()
        holders = self.holders.setdefault(lock, [])
        mine, holders[:] = [other for other in holders if other is me], [other for other in holders if other is not me]
        try:
            with self.abandonment():
                yield
        finally:
            if mine and (holders or not lock.locked()) and not self.abandoned:
                self.violation(f"{me} came back from a condition at {place} without its lock")
            holders += mine

    @contextmanager
    def unit(self, place: str, semaphore: kernel.Semaphore) -> Iterator[None]:
        self.units[semaphore] = self.units.get(semaphore, 0) + 1
        if self.units[semaphore] > self.maxima[semaphore]:
            self.violation(f"more tasks than allowed hold a semaphore at {place}")
        with self.inside():
            try:
                yield
            finally:
                self.units[semaphore] -= 1

    # Items

    def new_item(self, queue: int, odd: bool) -> object:
        self._number += 1
        return Odd() if odd and queue == 1 else self._number

    @contextmanager
    def putting(self, place: str, queue: int, odd: bool) -> Iterator[object]:
        item = self.new_item(queue, odd)
        self.items[item] = "being put"
        try:
            yield item
        except BaseException:
            if self.items[item] != "being put":
                self.violation(f"an item was got whose put failed at {place}")
            self.items[item] = "not put"
            raise
        if self.items[item] == "being put":
            self.items[item] = "put"

    def put_now(self, place: str, queue: int, odd: bool) -> None:
        with self.putting(place, queue, odd) as item:
            self.queues[queue].put_nowait(item)

    def got(self, place: str, queue: int, item: object) -> None:
        if self.items[item] in ("got", "not put"):
            self.violation(f"an item was got at {place} that was {self.items[item]} already")
        self.items[item] = "got"

    def call(self, action: Callable[[], object]) -> None:
        """Have the kernel make a call, as a thread would."""
        self.kernel.call_from_thread(self.attempt, "a call", action)


def numbers(error: BaseException) -> Iterator[int]:
    """The numbers of the failures that `error` is, or is a group of."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from numbers(inner)
    elif isinstance(error, Failure):
        yield error.args[0]
