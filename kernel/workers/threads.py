"""Ordinary blocking functions, run in threads while the kernel goes on.

The threads are the same for all, but functions of one kind never wait for those of another: the kernel looks up a
host's name while the program's own functions fill their limit. Hence a `Lane` for each kind.
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

FUNCTIONS = "functions"  # the lane of the program's own
DEFAULT_LIMIT = min(32, (os.cpu_count() or 1) + 4)  # as many threads as concurrent.futures thinks right


class Lane:
    """Functions of one kind: how many threads may be at work on them, how many are, and those that wait for one."""

    def __init__(self) -> None:
        self.limit = DEFAULT_LIMIT
        self.at_work = 0
        self.waiting: OrderedDict[RunInThread[Any], None] = OrderedDict()


class Pool:
    """The threads of one kernel, and the functions they are at work on.

    All but the threads' own loop happens in the kernel's thread, which so knows exactly how many are idle.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.lanes: defaultdict[str, Lane] = defaultdict(Lane)
        self.at_work: dict[Future[Any], str] = {}
        self.home = Home(kernel)
        self._threads: list[threading.Thread] = []
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def start_waiting(self, lane: Lane) -> None:
        """Start as many of the functions that wait in `lane` for a thread as may be."""
        while lane.waiting and lane.at_work < lane.limit:
            lane.waiting.popitem(last=False)[0].start(self, lane)

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Call `function` in a thread. `RuntimeError` when the system has no thread for it."""
        if len(self.at_work) == len(self._threads):
            thread = threading.Thread(target=self._work, name=f"kernel {len(self._threads) + 1}", daemon=True)
            thread.start()
            self._threads.append(thread)
        future: Future[T] = Future()
        self._inbox.put(partial(_fulfil, future, function))
        return future

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            job()
            del job  # what it holds is not to live until the next one comes

    def dismiss(self) -> None:
        """Let every thread end when it has done its work."""
        for _ in self._threads:
            self._inbox.put(None)

    def join(self) -> None:
        """Wait for the end of the threads, which have been dismissed."""
        for thread in self._threads:
            thread.join()


def _fulfil(future: Future[T], function: Callable[[], T]) -> None:
    try:
        value = function()
    except BaseException as error:
        drop_frame(error)
        future.set_exception(error)
    else:
        future.set_result(value)
    finally:
        del future  # the frame of the function holds this one, and the error's traceback that


@contextmanager
def pool(kernel: Kernel) -> Iterator[Pool]:
    """The kernel's pool, whose functions are waited for when the kernel closes: a thread cannot be killed."""
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
    """Wait for a function that runs in a thread; `lane` is the kind of the function, and says whom it may wait for."""

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
        """There is a thread for it."""
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

    A function that waits for a thread when its task is cancelled is never called. One that has started cannot be
    stopped. With `abandon`, cancellation ends the wait at once: the function goes on, its value is dropped and its
    exception goes to the kernel's exception hook. Without, the task waits for the function to end, gets its value or
    exception, and is cancelled where it suspends next: for a function that must not run on unattended, because it
    writes a file or opens what has to be closed. When the kernel closes it waits for all of them.

    `limit_threads` says how many run at a time.
    """
    check_function(function, "run_in_thread")
    return RunInThread(function, args, abandon, FUNCTIONS)


class LimitThreads(Syscall[int]):
    """Set how many threads there may be; answered at once."""

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

    Functions above the limit wait for a thread in the order of their calls. Lowering it stops nothing that runs. By
    default it is the number of processors and 4 more, up to 32. Operations on files and the looking up of hosts' names
    use threads as well, as many of each as the default says, and wait for nothing else. Not a point of cancellation.
    """
    if not isinstance(number, int):
        raise TypeError(f"limit_threads() takes a number of threads, not {number!r}")
    if number < 1:
        raise ValueError(f"limit_threads() takes a number of threads of 1 or more, not {number!r}")
    return LimitThreads(number)
