"""The beginning and the end of a run: Ctrl-C, async generators, the shutdown, and what a kernel has to release."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .calls import POLL_INTERVAL
from .deadlock import Deadlock, describe
from .devices.watchdog import Unheard, Watchdog
from .failures import abort_failed, tell
from .waitable import Waitable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager, ExitStack
    from .core import Kernel
    from .task import Task

T = TypeVar("T")

ATTEMPTS = 3  # how often a shutdown cancels a task that does not end, before it gives the task up
GENERATIONS = 100  # how often tasks may be replaced by new ones during a shutdown

in_this_thread = threading.local()  # .kernel: the one that is running here

if hasattr(os, "register_at_fork"):
    # A child process that a task forks inherits the frames of a kernel, and does not run it.
    os.register_at_fork(after_in_child=lambda: vars(in_this_thread).clear())

Asyncgens = weakref.WeakSet[AsyncGenerator[Any, Any]]


def running_kernel() -> Kernel | None:
    """The kernel that is running in this thread, by `run`."""
    return in_this_thread.__dict__.get("kernel")  # ten times as fast as `getattr` where there is none: the row `run`


class Resources:
    """What a kernel has one of, such as its pool of threads: made on first use, released when the kernel closes."""

    def __init__(self) -> None:
        self._made: dict[object, Any] = {}
        self._releases: ExitStack | None = None
        self._instead: dict[object, Any] = {}

    def replace(self, make: Callable[[Kernel], AbstractContextManager[T]],
                other: Callable[[Kernel], AbstractContextManager[T]]) -> None:
        """Have `other` make for this kernel what `make` would make."""
        self._instead[make] = other

    def get(self, kernel: Kernel, make: Callable[[Kernel], AbstractContextManager[T]]) -> T:
        """What `make` has made for this kernel, or makes now."""
        if make not in self._made:
            if kernel.closed:
                raise RuntimeError("the kernel is closed; nothing can be made for it any more")
            if self._releases is None:
                from contextlib import ExitStack  # here, to save start-up time: a program of tasks alone needs none
                self._releases = ExitStack()
            self._made[make] = self._releases.enter_context(self._instead.get(make, make)(kernel))
        return self._made[make]  # type: ignore[no-any-return]  # by the line above

    def release(self) -> None:
        """Release all of them, the last first. They can still be used: by the calls that are made last."""
        if self._releases is not None:
            self._releases.close()

    def forget(self) -> None:
        """Let go of them; most of them know the kernel."""
        self._made.clear()


class Interruptible:
    """While inside, Ctrl-C cancels `main`, as `asyncio.run` does it, unless the program handles SIGINT itself.

    During the shutdown Ctrl-C raises `KeyboardInterrupt`. The handler stays in place until the shutdown is over, since
    a task may still catch the signal in a block of its own, at whose end it puts back the handler that it found.

    And every signal wakes the kernel. Python runs a signal's handler between two bytecodes. A signal that arrives just
    before the poller's system call would therefore wait until that call returns. So while inside, the interpreter
    writes a byte to the poller's descriptor for each signal, and the call returns at once.
    """

    # Not a `contextmanager`, which assigns to the exceptions that pass through it: a class of them may refuse that.

    def __init__(self, kernel: Kernel, main: Task[Any]) -> None:
        self._kernel = kernel
        self._main = main
        self._interrupted = False
        self._possible = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if not self._possible:
            return
        import signal  # here, to save start-up time: only the main thread needs it, and its `enum` takes long
        self._handles = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._handles:
            signal.signal(signal.SIGINT, self._on_sigint)
        self._previous_fd = signal.set_wakeup_fd(self._kernel.poller.wakeup_fd(), warn_on_full_buffer=False)

    def _on_sigint(self, number: int, frame: object) -> None:
        if self._interrupted or self._main.done() or self._kernel.main is None:
            raise KeyboardInterrupt
        self._interrupted = True
        self._kernel.call_from_thread(Unheard(self._kernel, self._main.cancel))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if not self._possible:
            return
        import signal  # as above
        try:
            if error is None and self._interrupted and self._main.cancelled():
                raise KeyboardInterrupt
        finally:
            signal.set_wakeup_fd(self._previous_fd)
            if self._handles:
                signal.signal(signal.SIGINT, signal.default_int_handler)


class AsyncgenHooks:
    """While inside, keep track of the async generators that are started, and close one that is thrown away half-way.

    It is closed in a task of its own. Entering gives the set of the generators that live.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __enter__(self) -> Asyncgens:
        living: Asyncgens = weakref.WeakSet()
        self._previous = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=living.add, finalizer=self._finalize)
        return living

    def __exit__(self, *exc_info: object) -> None:
        sys.set_asyncgen_hooks(*self._previous)

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._kernel.call_from_thread(self._spawn_aclose, generator)

    def _spawn_aclose(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._kernel.spawn(_aclose(generator), name=f"close {generator!r}")


async def _aclose(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()


def shut_down(kernel: Kernel, asyncgens: Asyncgens) -> None:
    """End every task: the ordinary ones, then daemons, then the async generators that nobody has finished."""
    try:
        _end(kernel, lambda task: not task.daemon)
        _end(kernel, lambda task: True)
        for generator in list(asyncgens):
            kernel.spawn(_aclose(generator), name=f"close {generator!r}")
        _drain(kernel, kernel.by_age())
        # Generators that were thrown away in the meantime are closed by tasks, which calls make.
        kernel.calls.make(kernel, len(kernel.calls.waiting))
        _drain(kernel, kernel.by_age())
        _end(kernel, lambda task: True)
    finally:
        abandon(kernel, kernel.by_age())  # only after a second Ctrl-C, or SystemExit in a task being cancelled


def _end(kernel: Kernel, chosen: Callable[[Task[Any]], bool]) -> None:
    """Cancel the chosen tasks, and those that they spawn while they end, until none is left."""
    attempts: dict[Task[Any], int] = {}
    for _ in range(GENERATIONS):
        victims = [task for task in kernel.by_age() if chosen(task)]
        if not victims:
            return
        for task in victims:
            attempts[task] = attempts.get(task, 0) + 1
            try:
                task.cancel()
            except Exception as error:
                kernel.report(f"{task} cannot be cancelled", error)
        stubborn = _drain(kernel, victims)
        for task in stubborn:
            often = "once" if attempts[task] == 1 else f"{attempts[task]} times"
            kernel.report(f"{task} was cancelled {often} at shutdown and has not ended: it {describe(task)}",
                          TimeoutError(f"{task} refuses to die"))
        abandon(kernel, [task for task in stubborn if attempts[task] >= ATTEMPTS])
    left = [task for task in kernel.by_age() if chosen(task)]
    for task in left:
        kernel.report(f"{task} was given up", RuntimeError(f"{GENERATIONS} times tasks had others take their place"))
    abandon(kernel, left)


def _drain(kernel: Kernel, tasks: Iterable[Task[Any]]) -> list[Task[Any]]:
    """Run the kernel until `tasks` are done, or nothing can wake them, or the grace is over; return those not done."""
    left = deque(task for task in tasks if not task.done())
    if not left:
        return []
    with Watchdog(kernel.grace, lambda: kernel.current, tell) as watchdog:
        # The grace begins when every task that was made ready has had its step, however long the others before it took.
        rounds = len(kernel.ready) // POLL_INTERVAL + 1
        until = really_until = math.inf
        # Real time counts as well: a virtual clock stands still while a task is busy.
        while left and kernel.clock.now() < until and time.monotonic() < really_until:
            try:
                kernel.turn(min(until, kernel.clock.now() + kernel.grace))
            except Deadlock:
                break
            watchdog.turns += 1
            if watchdog.turns == rounds:
                until, really_until = kernel.clock.now() + kernel.grace, time.monotonic() + kernel.grace
            while left and left[0].done():  # not a look at each of them after every turn
                left.popleft()
    return [task for task in left if not task.done()]


def abandon(kernel: Kernel, tasks: Collection[Task[Any]]) -> None:
    """Throw tasks away that do not end: close their code, and let those who wait for them go on as after `cancel`."""
    for task in tasks:
        request, task.blocked_on = task.blocked_on, None
        if request is not None:
            try:
                request.abort(kernel, task)
            except BaseException as error:
                abort_failed(kernel, request, task, error)
    for task in tasks:
        kernel.current = task  # which alone can release the locks that it holds
        for code in [task.code, *reversed(task.callers or ())]:
            try:
                code.close()
            except BaseException as error:
                kernel.report(f"{task} refuses to die", error)
        task.code, task.callers = (task.callers or [task.code])[0], None
        task.abandon()
    kernel.current = None
    for item in [kernel.ready.popleft() for _ in range(len(kernel.ready) if tasks else 0)]:
        if not (isinstance(item, Waitable) and item.done()):
            kernel.ready.append(item)
