"""Slow steps: who holds a kernel for long is told of while that goes on, with the line where the program is.

A step that computes for a second, or that calls `time.sleep`, keeps every other task waiting. So each kernel gets a
guard: a thread that looks at the kernel when an item was taken from the ready queue, and no other after it for 0.1
seconds. A stand-in for the queue notes when items are taken. The thread of the kernel does no more for this.

The guard knows from the stack of the kernel's thread whether the kernel is making a step then. If not, it waits for
events, or does not run. In both cases the guard sleeps until the next item is taken: a program that has nothing to do
is not woken.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from queue import Empty, SimpleQueue
from typing import Any
from weakref import WeakKeyDictionary, ref

from ..checks import check_seconds
from ..core import Kernel
from ..devices import ReadyQueue
from ..devices.watchdog import show_frames, step_frames
from ..failures import tell
from .finding import kernel_here
from .names import label

PATIENCE = 1.0  # seconds that somebody waits for a guard to end, which may be telling something just then

_limit = 0.0  # seconds that a step may take; 0 when nobody is to be told
_guards: WeakKeyDictionary[Kernel, Guard] = WeakKeyDictionary()


def slow_steps(seconds: float = 0.1) -> None:
    """From now on, log a warning when a step of a task, or a callback, holds a kernel for over `seconds`.

    The warning comes while the step goes on, once for a step, from a thread. It has the stack of the task, with the
    line where it is. 0 and `math.inf` turn this off. Development mode, `python -X dev`, turns it on with 0.1 seconds.

    It holds for the kernels and event loops of this process that are made from now on, and for the one that runs in
    this thread, from its next step. Code in C that does not let other threads run is told of when it does. Raises
    `TypeError` or `ValueError` for what is no number of seconds.
    """
    global _limit
    seconds = check_seconds(seconds, "slow_steps")
    if seconds < 0:
        raise ValueError(f"slow_steps() takes 0 seconds, which turns it off, or more; not {seconds:g}")
    _limit = 0.0 if seconds == math.inf else seconds
    if _limit:
        _guard_new_kernels()
        kernel = kernel_here()
        if kernel is not None and not kernel.closed:
            kernel.resource(guard)
    for each in list(_guards.values()):
        each.stop()  # it begins again with the next step, and the new limit


@cache
def _guard_new_kernels() -> None:
    """Have `Kernel` give each kernel a guard when it makes it. To do so once is enough."""
    make: Any = Kernel.__init__

    @wraps(make)
    def __init__(kernel: Kernel, *, ready: ReadyQueue | None = None, **others: Any) -> None:
        if _limit and not getattr(ready, "simulated", False):  # in a simulation a step takes virtual time
            # Around the queue itself, before others put stand-ins of theirs in its place, and take them away.
            ready = Guard(kernel).around(deque() if ready is None else ready)
        make(kernel, ready=ready, **others)
        if kernel in _guards:
            kernel.resource(guard)

    setattr(Kernel, "__init__", __init__)  # so kernels cost nothing more where nobody asks


@contextmanager
def guard(kernel: Kernel) -> Iterator[Guard]:
    """The kernel's guard. Its thread ends when the kernel closes."""
    watched = _guards.get(kernel)
    if watched is None:  # the kernel is running already
        watched = Guard(kernel)
        kernel.ready = watched.around(kernel.ready)
        kernel.end_turn()  # which has the queue itself
    try:
        yield watched
    finally:
        watched.over = True
        watched.stop()


class TimedQueue:
    """Stands in for the ready queue of a kernel, and notes when an item is taken."""

    def __init__(self, queue: ReadyQueue, watched: Guard) -> None:
        self.append = queue.append
        self._take = queue.popleft
        self._queue = queue
        self._guard = watched

    def popleft(self) -> Any:
        watched = self._guard
        watched.since = time.monotonic()
        watched.taken += 1
        if watched.answered is not watched.asked:
            watched.answer()
        return self._take()

    def __len__(self) -> int:
        return len(self._queue)


class Guard:
    """Looks at one kernel, from a thread.

    While the guard has nothing to do, it has asked to be told of the next item that is taken: `asked` is then another
    object than `answered`.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.taken = 0  # how many items the kernel has taken,
        self.since = 0.0  # and when it took the last one
        self.asked = object()
        self.answered: object = None
        self.over = False  # whether the kernel is closed
        self._kernel = ref(kernel, self._forget)  # the thread must not keep it alive
        self._ident = 0  # of the kernel's thread
        self._thread: threading.Thread | None = None
        self._calls: SimpleQueue[bool]  # True ends the thread
        _guards[kernel] = self

    def around(self, queue: ReadyQueue) -> ReadyQueue:
        """A stand-in for `queue`, the ready queue of the kernel."""
        return TimedQueue(queue, self)

    def answer(self) -> None:
        """In the kernel's thread: an item is being taken. Wake the guard's thread, or start it."""
        asked = self.asked
        if _limit and not self.over:
            self._ident = threading.get_ident()
            if self._thread is not None:
                self._calls.put(False)
            else:
                self._start()
        self.answered = asked  # not before: an exception, such as Ctrl-C brings, would leave the guard asleep

    def _start(self) -> None:
        self._calls = SimpleQueue()
        thread = threading.Thread(target=self._watch, args=(self._calls,), name="kernel slow steps", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no thread; a program needs none of its own for this
            self.over = True
            tell("info", f"nobody watches for slow steps: {error}")
        else:
            self._thread = thread

    def stop(self) -> None:
        """End the thread. It is started again when the kernel takes the next item, unless the kernel is closed."""
        thread = self._forget()
        if thread is not None and thread is not threading.current_thread():
            thread.join(PATIENCE)

    def _forget(self, _: object = None) -> threading.Thread | None:
        """Tell the thread to end, and return it."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._calls.put(True)
        self.asked = object()
        return thread

    def _watch(self, calls: SimpleQueue[bool]) -> None:
        """In the thread: look at the kernel now and then, until the thread is told to end."""
        while True:
            taken = self.taken
            left: float | None = self.since + _limit - time.monotonic()
            if left is not None and left <= 0:
                self._look(taken)
                left = None  # nothing more to see before the next item is taken
                self.asked = object()
                if self.taken != taken:
                    continue
            try:
                if calls.get(timeout=left):
                    return
            except Empty:
                pass

    def _look(self, taken: int) -> None:
        """The last item was taken some time ago, as number `taken`: if the kernel is still at it, tell of that."""
        kernel = self._kernel()
        if kernel is None:
            return
        frames, task = step_frames(kernel, self._ident), kernel.current
        if not frames or self.taken != taken or self.over:
            return
        kernel.told_slow = True  # type: ignore[attr-defined]  # the loop of compat asks, which else tells of it later
        tell("warning", f"{'a callback' if task is None else label(task)} has held the kernel for over {_limit:g} s, "
                        f"and holds it still. No other task runs meanwhile: have a thread do what blocks, and let "
                        f"long computations give way now and then.\n{show_frames(frames)}")


def _before_fork() -> None:
    """A child process has no such thread, and Python warns of a fork while there are several."""
    for each in list(_guards.values()):
        each.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
