"""The kernel: a ready queue, the scheduler that works it off, and the beginning and the end of a run.

Everything the kernel runs is an object with a method `run(kernel)`, taken from the ready queue: a `Task` makes one
step, a `Callback` one call. A turn of the scheduler first lets in what has happened outside: descriptors that are
ready, deadlines that have come, calls from other threads. These make tasks ready. Then it runs what is ready.
"""

from __future__ import annotations

import math
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .calls import BACKLOG, MOMENT, POLL_INTERVAL, Callback, Calls, Expected
from .checks import attach_tracers, check_code, check_no_event_loop, check_seconds, close_unstarted
from .deadlock import nothing_left
from .devices import Clock, DefaultClock, DefaultPoller, Event, Poller, ReadyQueue, Tap, Tracer
from .failures import Unretrieved, fire_failed, let_pass, tell
from .lifecycle import AsyncgenHooks, Interruptible, Resources, abandon, in_this_thread, running_kernel, shut_down
from .syscalls import Code
from .task import Task
from .timers import Timers

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

T = TypeVar("T")


class Kernel:
    """Runs tasks. The function `run` makes one, uses it once and closes it; here is the long way:

        with Kernel(clock=VirtualClock()) as kernel:
            kernel.run(main())

    The three devices decide on order, time and input: `ready`, `clock` and `poller`. `observer` is told what happens
    (see `Observer`). `exception_hook(message, error)` is told of failures that reach nobody else; by default they are
    logged. `grace` is how many seconds of the kernel's clock a shutdown gives tasks to end each time it cancels them.
    """

    tracer: ClassVar[Tracer | None] = None  # attached to each kernel that is made, besides its `observer`

    def __init__(self, *, ready: ReadyQueue | None = None, clock: Clock | None = None, poller: Poller | None = None,
                 observer: Tracer | None = None, grace: float = 10.0,
                 exception_hook: Callable[[str, BaseException], object] | None = None) -> None:
        # The devices, and what the kernel's owner has decided.
        self.ready: ReadyQueue = deque() if ready is None else ready
        self.woken = self.ready  # where tasks go whose wait is over: the ready queue itself, or a tap's stand-in for it
        self.clock: Clock = DefaultClock() if clock is None else clock
        self.poller: Poller = DefaultPoller() if poller is None else poller
        self.timers = Timers()
        self.grace = check_seconds(grace, "Kernel")
        self.exception_hook = exception_hook
        # The tasks.
        self.tasks: dict[Code[Any], Task[Any]] = {}  # all that are not done, by their code, oldest first
        self.task_ids = count(1)
        self.current: Task[Any] | None = None
        self.unretrieved: weakref.WeakSet[Unretrieved] = weakref.WeakSet()
        # The run.
        self.main: Task[Any] | None = None
        self.ended_by: BaseException | None = None  # the KeyboardInterrupt or SystemExit that a task ended the run with
        self.turn_ends = False  # after the step that is being made
        # The world outside.
        self.calls = Calls()
        self.resources = Resources()
        self.asleep = False  # it waits in the poller, or is about to: wake_up() has to wake that
        self.closed = False  # nothing can be run any more
        self.firing: Event | Callback | None = None  # what has come from outside and is being let in
        self.tap: Tap | None = attach_tracers(self, observer)

    def turn(self, until: float = math.inf) -> None:
        """Let in what has happened outside, then run what is ready.

        When nothing is ready, wait for an event first, until the clock shows `until` at the longest; `Deadlock` when
        no event can come.
        """
        if self.calls.waiting:
            self.calls.admit(self)
        if self.ready:
            self.poll()
        else:
            self._idle(until)
        if self.timers.heap:
            self.timers.expire(self, self.clock.now())
        self.firing = None
        self.run_ready()

    def run_ready(self) -> None:
        """Run what is ready, one after the other, until nothing is, or a look outside is due, or `main` is done."""
        ready = self.ready
        if not ready:
            return
        try:
            for _ in range(POLL_INTERVAL):
                ready.popleft().run(self)
                self.current = None  # the next item may be no task
                if not ready or self.turn_ends:
                    break
        finally:
            self.current = None
            self.turn_ends = False

    def end_turn(self) -> None:
        """Have the turn end after the step that is being made: `main` is done, or a look outside is due."""
        self.turn_ends = True

    def use_queue(self, queue: ReadyQueue) -> None:
        """Have a tap see the tasks whose wait is over: `queue` is a stand-in for the ready queue, or that itself."""
        self.woken = queue

    def leave_task(self) -> None:
        """No task is running: what an item of the ready queue that is no task begins with."""
        self.current = None

    def poll(self) -> None:
        """Let in what has happened at the descriptors, without waiting."""
        self._fire(self.poller.poll(0.0))

    def _fire(self, events: Iterable[Event]) -> None:
        for event in events:
            self.firing = event
            try:
                event.fire(self)
            except BaseException as error:
                fire_failed(self, event, error)

    def _idle(self, until: float) -> None:
        calls = self.calls
        if not (calls.expected or self.poller.watching() or self.timers or calls.may_come()):
            raise nothing_left(self)
        self.asleep = True  # from here on wake_up() wakes the poller; what came before is seen in the next lines
        try:
            deadline = -math.inf if calls.waiting or self.ready else until
            if self.timers.heap:
                deadline = min(deadline, self.timers.next_deadline())
            events = self.clock.idle(self.poller, deadline, calls.at_work > 0)
        finally:
            self.asleep = False
        self._fire(events)
        if calls.waiting:  # now: the next turn would first make another system call, to look at the descriptors
            calls.admit(self)

    def spawn(self, code: Code[T], name: str | None = None, daemon: bool = False,
              context: Context | None = None) -> Task[T]:
        """Make a task and put it at the end of the ready queue; what the syscall `spawn` does.

        For use outside of tasks, in the kernel's thread. `context` is the task's own; by default a copy of the
        caller's.
        """
        if self.closed:
            close_unstarted(code)
            raise RuntimeError("the kernel is closed; nothing can be run in it any more")
        if code in self.tasks:
            raise ValueError(f"spawn() was given {code!r}, which {self.tasks[code]} runs already; "
                             "make a new one for each task")
        task = Task(self, code, copy_context() if context is None else context, name, daemon)
        self.tasks[code] = task
        if self.tap is not None:
            self.tap.attach(task)
        self.ready.append(task)
        return task

    def call_from_thread(self, function: Callable[..., object], *args: Any) -> None:
        """Have the kernel call `function(*args)` in its own thread, soon, in the order of these calls.

        The one method for other threads and for signal handlers. It does not wait for the call. While over 10,000 calls
        are still to be made, it makes every thread but the kernel's own wait for a millisecond. An exception from the
        function goes to the exception hook. `RuntimeError` when the kernel is closed.
        """
        if self.closed:
            raise RuntimeError("the kernel is closed; nothing can be called in it any more")
        self.calls.add(function, args)
        self.wake_up()
        if len(self.calls.waiting) > BACKLOG and running_kernel() is not self:
            time.sleep(MOMENT)

    def wake_up(self) -> None:
        """Make the kernel look for work now, if it waits for something to happen; from any thread."""
        if self.asleep:
            self.poller.wake()

    def expect_calls(self) -> AbstractContextManager[None]:
        """While inside, somebody may use `call_from_thread`: that all tasks are blocked is then no deadlock."""
        return Expected(self)

    def resource(self, make: Callable[[Kernel], AbstractContextManager[T]]) -> T:
        """The one thing of its kind that this kernel has, made on first use and released when the kernel closes."""
        return self.resources.get(self, make)

    def by_age(self) -> list[Task[Any]]:
        """The tasks that are not done, oldest first."""
        return list(self.tasks.values())

    def everyone(self) -> list[Task[Any]]:
        """The same, with those that a layer above keeps itself."""
        return self.by_age()

    def report(self, message: str, error: BaseException) -> None:
        """Tell the exception hook of a failure that reaches nobody else."""
        if self.exception_hook is not None:
            try:
                self.exception_hook(message, error)
                return
            except BaseException as failure:
                let_pass(failure)
                tell("error", "the kernel's exception hook failed", failure)
        tell("error", message, error)

    def run(self, main: Code[T]) -> T:
        """Run `main`, a coroutine or a generator, to its end; return its value or raise its exception.

        Then every task that is left is cancelled and awaited, daemons last, and async generators are closed. Ctrl-C
        cancels `main`, and surfaces as `KeyboardInterrupt` when that has ended; a second one is raised at once,
        wherever the program is. `KeyboardInterrupt` and `SystemExit` in any task end the run and are raised here.
        Raises `Deadlock` when nothing can wake the blocked tasks, and `RuntimeError` inside a running kernel or
        event loop.
        """
        running = running_kernel()
        if running is not None or self.closed or self.main is not None:
            close_unstarted(main)
            raise RuntimeError(
                f"this kernel {'is closed' if self.closed else 'is running in another thread'}; make another"
                if running is None else
                "run() was called inside a running kernel; use 'await spawn(...)' or 'await ...' instead")
        check_code(main, "run")
        check_no_event_loop(main)
        in_this_thread.kernel = self
        try:
            with AsyncgenHooks(self) as asyncgens:
                task = self.spawn(main)
                self.main = task
                with Interruptible(self, task):
                    try:
                        while not task.done():
                            self.turn()
                    finally:
                        self.main = None
                        shut_down(self, asyncgens)
            try:
                return task.result()
            finally:
                del task  # else the exception would hold, by its traceback and this frame, the task that holds it
        finally:
            self.ended_by = in_this_thread.kernel = None

    def close(self) -> None:
        """Release threads and descriptors, and report the failures that nobody has waited for.

        `RuntimeError` while the kernel runs.
        """
        if self.closed:
            return
        if self.main is not None or running_kernel() is self:
            raise RuntimeError("close() was called while the kernel runs; let run() end first")
        try:
            self.resources.release()
        finally:  # also when that is interrupted
            self.closed = True
            abandon(self, self.by_age())
            self.calls.make(self, len(self.calls.waiting))  # what threads brought at the last moment
            while self.ready:
                self.run_ready()
            for failure in list(self.unretrieved):
                failure.report()
            self.resources.forget()
            self.poller.close()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def run(main: Code[T], *, ready: ReadyQueue | None = None, clock: Clock | None = None, poller: Poller | None = None,
        observer: Tracer | None = None, grace: float = 10.0,
        exception_hook: Callable[[str, BaseException], object] | None = None) -> T:
    """Run `main` to its end on a new kernel, as `Kernel.run` does, and close it. The arguments are those of `Kernel`."""
    with Kernel(ready=ready, clock=clock, poller=poller, observer=observer, grace=grace,
                exception_hook=exception_hook) as kernel:
        return kernel.run(main)
