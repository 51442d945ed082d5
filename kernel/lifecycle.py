"""The beginning and the end of a run: Ctrl-C, async generators, and the orderly shutdown of all that is left."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .deadlock import Deadlock, describe
from .waitable import Waitable

if TYPE_CHECKING:
    from .core import Kernel
    from .task import Task

logger = logging.getLogger("kernel")

ATTEMPTS = 3  # how often a shutdown cancels a task that does not end, before it gives the task up
GENERATIONS = 100  # how often tasks may be replaced by new ones during a shutdown

Asyncgens = weakref.WeakSet[AsyncGenerator[Any, Any]]


@contextmanager
def interruptible(kernel: Kernel, main: Task[Any]) -> Iterator[None]:
    """Make Ctrl-C cancel `main`, as `asyncio.run` does, unless the program handles SIGINT itself.

    At shutdown it is a `KeyboardInterrupt`. The handler stays until then, for it must not be taken away from a task
    that still catches the signal, nor come back when that task ends its block.

    And have every signal wake the kernel: its handler runs between bytecodes, so that one which arrives on the way into
    the poller's system call would wait there with it, did the interpreter not write to the poller's descriptor first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def on_sigint(number: int, frame: object) -> None:
        nonlocal interrupted
        if interrupted or main.done() or kernel.main is None:
            raise KeyboardInterrupt
        interrupted = True
        kernel.call_from_thread(main.cancel)

    handles = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if handles:
        signal.signal(signal.SIGINT, on_sigint)
    previous_fd = signal.set_wakeup_fd(kernel.poller.wakeup_fd(), warn_on_full_buffer=False)
    try:
        yield
        if interrupted and main.cancelled():
            raise KeyboardInterrupt
    finally:
        signal.set_wakeup_fd(previous_fd)
        if handles:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def asyncgen_hooks(kernel: Kernel) -> Iterator[Asyncgens]:
    """Keep track of the async generators that are started, and close one that is thrown away half-way in a task."""
    living: Asyncgens = weakref.WeakSet()

    def finalize(generator: AsyncGenerator[Any, Any]) -> None:
        kernel.call_from_thread(spawn_aclose, generator)

    def spawn_aclose(generator: AsyncGenerator[Any, Any]) -> None:
        kernel.spawn(_aclose(generator), name=f"close {generator!r}")

    previous = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=living.add, finalizer=finalize)
    try:
        yield living
    finally:
        sys.set_asyncgen_hooks(*previous)


async def _aclose(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()


async def _nothing() -> None:
    pass


def shut_down(kernel: Kernel, asyncgens: Asyncgens) -> None:
    """End every task: the ordinary ones, then daemons, then the async generators that nobody has finished."""
    try:
        _end(kernel, lambda task: not task.daemon)
        _end(kernel, lambda task: True)
        for generator in list(asyncgens):
            kernel.spawn(_aclose(generator), name=f"close {generator!r}")
        _drain(kernel, kernel.by_age())
        # Generators that were thrown away in the meantime are closed by calls, which come before this task's end.
        kernel.take_calls()
        kernel.spawn(_nothing(), name="last call")
        _drain(kernel, kernel.by_age())
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
            kernel.report(f"{task} was cancelled {attempts[task]} times at shutdown and has not ended: "
                          f"it {describe(task)}", TimeoutError(f"{task} refuses to die"))
        abandon(kernel, [task for task in stubborn if attempts[task] >= ATTEMPTS])
    left = [task for task in kernel.by_age() if chosen(task)]
    for task in left:
        kernel.report(f"{task} was given up", RuntimeError(f"{GENERATIONS} times tasks had others take their place"))
    abandon(kernel, left)


def _drain(kernel: Kernel, tasks: Iterable[Task[Any]]) -> list[Task[Any]]:
    """Run the kernel until `tasks` are done, or nothing can wake them, or the grace is over; return those not done."""
    left = [task for task in tasks if not task.done()]
    if not left:
        return left
    until, really_until = kernel.clock.now() + kernel.grace, time.monotonic() + kernel.grace
    with _watchdog(kernel):
        # Real time counts as well: a virtual clock stands still while a task is busy.
        while left and kernel.clock.now() < until and time.monotonic() < really_until:
            try:
                kernel.turn(until)
            except Deadlock:
                break
            left = [task for task in left if not task.done()]
    return left


@contextmanager
def _watchdog(kernel: Kernel) -> Iterator[None]:
    """Say which task it is that keeps a shutdown from ending by never yielding."""
    ident = threading.get_ident()

    def bark() -> None:
        frame = sys._current_frames().get(ident)
        logger.critical("%s has been running for over %g s without yielding, and the kernel cannot shut down; Ctrl-C "
                        "interrupts it:\n%s", kernel.current, kernel.grace, "".join(traceback.format_stack(frame)))

    timer = threading.Timer(kernel.grace + 1.0, bark)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def abandon(kernel: Kernel, tasks: Collection[Task[Any]]) -> None:
    """Throw away tasks that do not end: close their code, and let who waits for them go on as if they were cancelled."""
    for task in tasks:
        if task.blocked_on is not None:
            try:
                task.blocked_on.abort(kernel, task)
            except Exception as error:
                kernel.report(f"{task} cannot be taken out of {task.blocked_on!r}", error)
            task.blocked_on = None
    for task in tasks:
        for code in [task.code, *reversed(task.callers or ())]:
            try:
                code.close()
            except BaseException as error:
                kernel.report(f"{task} refuses to die", error)
        task.abandon()
    for item in [kernel.ready.popleft() for _ in range(len(kernel.ready) if tasks else 0)]:
        if not (isinstance(item, Waitable) and item.done()):
            kernel.ready.append(item)


def close_unstarted(code: object) -> None:
    """Close `code`, which will not be run; else the interpreter would warn that it was never awaited."""
    if hasattr(code, "close"):
        code.close()
