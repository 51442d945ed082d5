"""Functions in threads: each begins at a moment of virtual time that is a choice, and one thread runs at a time.

A function gets a real thread, since it may look where it is: in a thread no event loop is running. But the thread runs
only while the kernel's thread waits for it. The two hand a baton to each other: a function gives it back when it ends,
when it sleeps by `time.sleep`, and when it waits by `threading.Condition`, as events, semaphores, queues and the
futures of `concurrent.futures` do. So the same choices give the same run, and a function that sleeps or waits holds up
nobody, as in a real thread.

What a function does between its beginning, its waits and its end takes no virtual time. A function that waits for
something else, such as a lock, is refused after `PATIENCE`.
"""

from __future__ import annotations

import math
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import AbstractContextManager, closing, suppress
from functools import partial
from heapq import nsmallest
from typing import Any, TypeVar

from ..core import Kernel
from ..workers.jobs import name_of, report_late
from ..workers.questions import Home, Question
from ..workers.threads import Lane, Pool, fulfil
from .claims import Claims, claims_here, here
from .devices import World
from .refusals import LEAVE_OUT, place
from .surroundings import Surroundings

T = TypeVar("T")

SOON = 0.001  # seconds of virtual time after which a function begins in the quiet schedule
LONGEST = 30.0  # seconds of virtual time after which a function begins at the latest
LIMIT = 8  # functions of one kind that are at work at a time: the default limit of a machine with 4 processors
PATIENCE = 10.0  # seconds of real time that a function may go on without a wait

NO_WAITS = f"it cannot wait there for what is not simulated, such as a threading.Lock; await it in a task, {LEAVE_OUT}"


class Abandoned(BaseException):
    """Raised in a function that still waits when its kernel has closed."""


class Call:
    """A function that is to be called in a thread of `crew`."""

    def __init__(self, crew: Crew, function: Callable[[], Any], origin: str) -> None:
        self.crew = crew
        self.function = function
        # Both `run_in_thread` and `asyncio.to_thread` give a function that is to be called in a context.
        inner = function.args[0] if isinstance(function, partial) and name_of(function) == "Context.run" else function
        self.name = name_of(inner)  # for the tape and the story
        self.origin = origin  # where the program has asked for it
        self.future: Future[Any] = Future()
        self.thread: Thread | None = None
        self.moment: Moment


class Moment:
    """A timer: `call` begins, or goes on after a wait."""

    def __init__(self, threads: SimulatedThreads, call: Call, deadline: float) -> None:
        self.dead: bool | None = None
        self.deadline = deadline
        self.label = f"the function {call.name} in its thread"
        self._threads = threads
        self._call = call

    def fire(self, kernel: Kernel) -> None:
        self._threads.go_on(self._call)


class Thread:
    """A thread that runs only while the kernel's thread waits for it, in `go_on`."""

    def __init__(self, threads: SimulatedThreads, number: int) -> None:
        self.call: Call | None = None
        self.ending = False
        self._lost = False  # it did not hand the baton back
        self._threads = threads
        self._pause: float | None = None
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._thread = threading.Thread(target=self._work, args=(claims_here(),), name=f"kernel {number}", daemon=True)
        self._thread.start()

    def go_on(self) -> float | None:
        """Let the function run until it ends, or waits: then this returns for how many seconds, if nobody wakes it.

        `TimeoutError` when it does neither.
        """
        self._pause = None
        self._go.release()
        try:
            if not self._back.acquire(timeout=PATIENCE):
                raise TimeoutError
        except BaseException:  # or Ctrl-C
            self._lost = self.ending = True
            raise
        return self._pause

    def _work(self, claims: Claims | None) -> None:
        here.claims = claims
        with self._threads.around.in_thread(self):
            while not self.ending and self._go.acquire() and (call := self.call) is not None:
                with suppress(InvalidStateError):  # it has been refused, or given up, meanwhile
                    fulfil(call.future, call.function)
                del call
                self.call = None
                self._back.release()

    def pause(self, seconds: float) -> None:
        if not self.ending:
            self._pause = seconds
            self._back.release()
            self._go.acquire()
        if self.ending:
            raise Abandoned

    def lock(self) -> SimulatedLock:
        return SimulatedLock(self)

    def wake(self) -> None:
        """Have the function go on, which waits."""
        if self.call is not None:
            self._threads.wake(self.call)

    def end(self) -> None:
        """Have the thread end, and wait until it has."""
        if not self._lost:
            self.ending = True
            self._go.release()
            self._thread.join()


class SimulatedLock:
    """What a function in a simulated thread waits at, in the place of a `threading.Lock` that is only for this wait."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._held = self._awaited = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._held and blocking:
            self._awaited = True
            self._thread.pause(timeout if timeout >= 0 else math.inf)
            self._awaited = False
        got, self._held = not self._held, True
        return got

    def release(self) -> None:
        self._held = False
        if self._awaited:
            self._thread.wake()


class SimulatedQuestion(Question):
    """A question whose answer comes by a queue that a simulated thread can wait at."""

    __slots__ = ()
    queue = queue.Queue


class SimulatedHome(Home):
    """The way from simulated threads into their kernel."""

    question = SimulatedQuestion


class Crew:
    """Threads of which up to `limit` are at work at a time. An event loop uses one in the place of an executor."""

    def __init__(self, threads: SimulatedThreads, limit: float) -> None:
        self.limit = limit
        self.at_work: dict[Call, None] = {}
        self.waiting: deque[Call] = deque()
        self.idle: list[Thread] = []
        self._threads = threads

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have `function(*args)` called in a thread, as soon as one is free."""
        call = Call(self, partial(function, *args) if args else function, place())
        if len(self.at_work) < self.limit:
            self._threads.begin(call)
        else:
            self.waiting.append(call)
        return call.future

    def futures(self) -> list[Future[Any]]:
        """Those of the functions that have not ended."""
        return [call.future for call in (*self.at_work, *self.waiting)]

    def ended(self, call: Call) -> None:
        """`call` is over: begin the next."""
        del self.at_work[call]
        while self.waiting and len(self.at_work) < self.limit:
            call = self.waiting.popleft()
            if not call.future.cancelled():
                self._threads.begin(call)


class SimulatedThreads(Pool):
    """Stands in for the threads of a kernel. Its choices are of the kind "thread"."""

    def __init__(self, kernel: Kernel, world: World, around: Surroundings) -> None:
        super().__init__(kernel)
        self.home = SimulatedHome(kernel)
        self.lanes = defaultdict(_lane)
        self._kernel = kernel
        self._world = world
        self.around = around
        self._all: list[Thread] = []
        self._native = Crew(self, math.inf)  # the lanes have limits
        self._crews: dict[object, Crew] = {Pool: self._native}

    def crew(self, executor: object, limit: int | None) -> Crew:
        """The threads that stand in for an executor with so many, or with the default number of them."""
        if executor not in self._crews:
            self._crews[executor] = Crew(self, LIMIT if limit is None else limit)
        return self._crews[executor]

    def submit(self, function: Callable[[], T]) -> Future[T]:
        return self._native.submit(function)

    def begin(self, call: Call) -> None:
        """A thread is free for `call`, or its wait is over: choose when it goes on."""
        call.crew.at_work[call] = None
        began = self._world.clock.now()
        deadlines = {deadline for deadline, _, timer in self._kernel.timers.heap
                     if not timer.dead and began < deadline <= began + LONGEST}
        coming = nsmallest(self._world.reach, deadlines)
        value = self._world.choices.choose("thread", 1 + len(coming), call.name) if coming else 0
        # A number of its own, which may come apart from the deadline that is equal.
        moment = coming[value - 1] + 0.0 if value else began + SOON
        self._wait(call, moment)
        if value:
            self._world.deviated(self._kernel, began, [moment])

    def wake(self, call: Call) -> None:
        """The function waits no longer."""
        self._kernel.timers.cancel(call.moment)
        self.begin(call)

    def _wait(self, call: Call, deadline: float) -> None:
        call.moment = Moment(self, call, deadline)
        self._kernel.timers.add(deadline, call.moment)

    def go_on(self, call: Call) -> None:
        """Let the function run until it ends, or waits."""
        idle = call.crew.idle
        self.around.origin = call.origin
        try:
            if call.thread is None:
                call.thread = idle.pop() if idle else self._new_thread()
                call.thread.call = call
            pause = call.thread.go_on()
        except RuntimeError as error:  # the system gives no thread
            call.future.set_exception(error)
        except TimeoutError:
            call.future.set_exception(self.around.refuse(
                f"{call.name}(), which has been running in a thread for {PATIENCE:g} s of real time,", NO_WAITS))
        except BaseException:  # Ctrl-C
            del call.crew.at_work[call]
            raise
        else:
            if pause is not None:
                return self._wait(call, self._world.clock.now() + pause)
            idle.append(call.thread)
        finally:
            self.around.origin = None
        call.crew.ended(call)

    def _new_thread(self) -> Thread:
        thread = Thread(self, len(self._all) + 1)
        self._all.append(thread)
        return thread

    def close(self) -> None:
        """Let time pass until all functions have ended, for the kernel's grace at most, and end the threads."""
        clock, timers = self._world.clock, self._kernel.timers
        until = clock.now() + self._kernel.grace
        self.home.shut()
        while calls := [call for crew in self._crews.values() for call in crew.at_work]:
            call = min(calls, key=lambda call: call.moment.deadline)
            if call.moment.deadline > until:
                report_late(self._kernel, "threads", [call.name for call in calls])
                for call in calls:
                    call.future.cancel()
                break
            clock.pass_time(call.moment.deadline - clock.now())
            timers.cancel(call.moment)
            self.go_on(call)
        for thread in self._all:
            thread.end()


def _lane() -> Lane:
    lane = Lane()
    lane.limit = LIMIT
    return lane


def simulated_threads(world: World, around: Surroundings, kernel: Kernel) -> AbstractContextManager[SimulatedThreads]:
    """In the place of `kernel.workers.threads.pool`."""
    return closing(SimulatedThreads(kernel, world, around))
