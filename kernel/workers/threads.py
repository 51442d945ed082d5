"""Ordinary blocking functions, which run in threads while the kernel goes on.

All functions share the threads of one pool, but each kind of function has a `Lane` with a limit of its own: the
program's functions, operations on files, and lookups of hosts' names. So functions of one kind never wait for those of
another. The kernel can look up a name while the program's functions use all the threads that they may use.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from ..core import Kernel
from ..failures import drop_frame
from ..syscalls import Syscall
from ..task import Task
from .jobs import Job, await_end, check_function
from .questions import Home, home_of_thread

T = TypeVar("T")

FUNCTIONS = "functions"  # the lane of the program's own functions
DEFAULT_LIMIT = min(32, (os.cpu_count() or 1) + 4)  # the default of concurrent.futures up to Python 3.12


class Lane:
    """The functions of one kind: how many may be at work, how many are, and those that wait for their turn."""

    def __init__(self) -> None:
        self.limit = DEFAULT_LIMIT
        self.at_work = 0
        self.waiting: OrderedDict[RunInThread[Any], None] = OrderedDict()


class Pool:
    """The threads of one kernel, and the functions they are at work on.

    Only `_work` runs in the threads. All the rest runs in the kernel's thread, which therefore knows exactly how many
    threads are idle.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.lanes: defaultdict[str, Lane] = defaultdict(Lane)
        self.at_work: dict[Future[Any], str] = {}
        self.home = Home(kernel)
        self._threads: list[threading.Thread] = []
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def start_waiting(self, lane: Lane) -> None:
        """Start as many of the functions that wait in `lane` as its limit allows."""
        while lane.waiting and lane.at_work < lane.limit:
            lane.waiting.popitem(last=False)[0].start(self, lane)

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Call `function` in an idle thread, or in a new one. `RuntimeError` when the system gives no new thread."""
        if len(self.at_work) == len(self._threads):
            thread = threading.Thread(target=self._work, name=f"kernel {len(self._threads) + 1}", daemon=True)
            thread.start()
            self._threads.append(thread)
        future: Future[T] = Future()
        self._inbox.put(partial(fulfil, future, function))
        return future

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            job()
            del job  # else all that it refers to would live until the next job comes

    def dismiss(self) -> None:
        """Tell every thread to end when it has done its work."""
        for _ in self._threads:
            self._inbox.put(None)

    def join(self) -> None:
        """Wait until the threads have ended; `dismiss` has told them to. This blocks the kernel's thread."""
        for thread in self._threads:
            thread.join()


def fulfil(future: Future[T], function: Callable[[], T]) -> None:
    """Call `function`, and give `future` its value or its exception."""
    try:
        value = function()
    except BaseException as error:
        drop_frame(error)
        future.set_exception(error)
    else:
        future.set_result(value)
    finally:
        del future  # else it would hold itself: its error has the function's frame, and that this one, its caller


@contextmanager
def pool(kernel: Kernel) -> Iterator[Pool]:
    """The kernel's pool. When the kernel closes it waits for the functions to end: a thread cannot be killed."""
    threads = Pool(kernel)
    try:
        yield threads
    finally:
        threads.home.shut()
        try:
            await_end(kernel, "threads", threads.at_work)
        finally:
            threads.dismiss()
        threads.join()


class RunInThread(Job[T]):
    """Wait for a function that runs in a thread. `lane` names its kind: it waits for a thread in that lane."""

    __slots__ = ("_context", "_lane")
    caller = "run_in_thread"

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], abandon: bool, lane: str) -> None:
        super().__init__(function, args, abandon)
        self._lane = lane

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self._make(task)
        threads = kernel.resource(pool)
        self._context = task.context.copy()
        self._context.run(home_of_thread.set, threads.home)
        lane = threads.lanes[self._lane]
        lane.waiting[self] = None
        threads.start_waiting(lane)
        return False

    def start(self, threads: Pool, lane: Lane) -> None:
        """Start the function: there is room for it in its lane."""
        assert self._task is not None
        try:
            future = threads.submit(partial(self._context.run, self._function, *self._args))
        except RuntimeError as error:
            drop_frame(error)
            self._task.throw(error)
            self._task = None
        else:
            lane.at_work += 1
            self._started(self._task.kernel, future, threads.at_work)

    def _finish(self, kernel: Kernel, future: Future[T]) -> None:
        threads = kernel.resource(pool)
        lane = threads.lanes[self._lane]
        del threads.at_work[future]
        lane.at_work -= 1
        super()._finish(kernel, future)
        threads.start_waiting(lane)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        super().abort(kernel, task)
        kernel.resource(pool).lanes[self._lane].waiting.pop(self, None)


def run_in_thread(function: Callable[..., T], *args: Any, abandon: bool = True) -> Syscall[T]:
    """Call `function(*args)` in a thread, in a copy of this task's context; the answer is its value or its exception.

    If the task is cancelled while the function still waits for a thread, the function is never called. A function that
    has started cannot be stopped. Then `abandon` decides:

    - True: the cancellation ends the wait at once. The function goes on. Its value is dropped, and its exception goes
      to the kernel's exception hook.
    - False: the task waits until the function ends, gets its value or exception, and is cancelled where it suspends
      next. Use this for a function that must not go on unattended: it writes a file, or opens something that has to be
      closed.

    When the kernel closes it waits for all functions that have started. `limit_threads` sets how many run at a time.
    Raises `TypeError`, at the call, for what is not a function and for an `async def` function; in the task
    `RuntimeError` when the system gives no thread.
    """
    check_function(function, "run_in_thread")
    return RunInThread(function, args, abandon, FUNCTIONS)


class LimitThreads(Syscall[int]):
    """Set how many of the program's functions may be at work at a time; answered at once."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        threads = kernel.resource(pool)
        lane = threads.lanes[FUNCTIONS]
        task.inbox, lane.limit = lane.limit, self._number
        threads.start_waiting(lane)
        return True

    def __repr__(self) -> str:
        return f"limit_threads({self._number})"


def limit_threads(number: int) -> Syscall[int]:
    """From now on `run_in_thread` uses up to `number` threads of this kernel at a time; the answer is the former limit.

    The default is the number of processors plus 4, but not more than 32. Functions beyond the limit wait for a thread
    in the order of their calls. A lower limit does not stop functions that run. Operations on files and lookups of
    hosts' names use threads too; for each of the two the default limit holds, and they never wait for other functions.

    Raises `TypeError` or `ValueError`, at the call, for what is not an integer from 1 on. Not a point of cancellation.
    """
    if not isinstance(number, int):
        raise TypeError(f"limit_threads() takes a number of threads, not {number!r}")
    if number < 1:
        raise ValueError(f"limit_threads() takes a number of threads of 1 or more, not {number!r}")
    return LimitThreads(number)
