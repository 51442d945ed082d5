"""Ordinary blocking functions, run in threads while the kernel goes on.

The threads are the same for all, but functions of one kind never wait for those of another: the kernel looks up a
host's name while the program's own functions fill their limit. Hence a `Lane` for each kind.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from ..checks import made_before
from ..failures import drop_frame
from ..sync.scopes import Shielded, listen
from ..syscalls import Syscall

if TYPE_CHECKING:
    from ..core import Kernel
    from ..task import Task

T = TypeVar("T")

FUNCTIONS = "functions"  # the lane of the program's own

DEFAULT_LIMIT = min(32, (os.cpu_count() or 1) + 4)  # as many threads as concurrent.futures thinks right

_home: ContextVar[Home] = ContextVar("_home")  # of the function that runs in a thread of a kernel's pool


class Job(Syscall[T]):
    """Wait for a function that runs elsewhere; the base of what runs in threads and in processes.

    While it runs and is not to be abandoned, the task is shielded: it gets the answer first, and is told of a
    cancellation where it suspends next.
    """

    __slots__ = ("_abandon", "_args", "_function", "_made", "_section", "_task")

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], abandon: bool) -> None:
        self._function = function
        self._args = args
        self._abandon = abandon
        self._made = False
        self._task: Task[Any] | None = None
        self._section: Shielded | None = None

    def _make(self, task: Task[Any]) -> None:
        """`task` makes the request, which nobody may have made before: there is one answer, to one task."""
        if self._made:
            raise made_before(self, task)
        self._made = True
        self._task = task

    def _started(self, kernel: Kernel, future: Future[T], at_work: dict[Future[Any], str]) -> None:
        """Have the task told when `future` is done, and the kernel know that it is not yet."""
        assert self._task is not None
        if not self._abandon:
            self._section = Shielded()
            self._section.enter(self._task)
        at_work[future] = name_of(self._function)
        kernel.threads_at_work += 1
        future.add_done_callback(partial(self._ended, kernel))

    def _ended(self, kernel: Kernel, future: Future[T]) -> None:
        """In whatever thread: have the kernel told that the function has ended."""
        with suppress(RuntimeError):  # the kernel is closed, and Ctrl-C has kept it from waiting for the function
            kernel.call_from_thread(self._finish, kernel, future)

    def _finish(self, kernel: Kernel, future: Future[T]) -> None:
        """The function has ended, or never will start."""
        kernel.threads_at_work -= 1
        if future.cancelled():
            return
        error = future.exception()
        task, self._task = self._task, None
        if task is None:
            if error is not None:
                kernel.report(f"{self} failed after the task that waited for it was cancelled", error)
            return
        self._unshield()
        if error is None:
            task.wake(future.result())
        else:
            task.throw(error)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._task = None
        self._unshield()

    def _unshield(self) -> None:
        if self._section is not None:
            self._section.leave()
            self._section = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({name_of(self._function)})"


def name_of(function: Callable[..., Any]) -> str:
    """The function's name, for messages. No `repr`, which may be long, or fail."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def check_function(function: object, caller: str) -> None:
    """Raise the `TypeError` that says why `function` cannot be called in a thread or a process, if it cannot."""
    if not callable(function):
        raise TypeError(f"{caller}() takes a function and its arguments, not {function!r}")
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{caller}() takes an ordinary function, and {name_of(function)} is an async function; "
                        "await it, or spawn() it, in the kernel")


class Question:
    """A call that a thread asks the kernel for, and the answer on its way back.

    The thread takes the answer out. An exception that stayed here would be held by what its own traceback holds.
    """

    __slots__ = ("_answers", "_args", "_context", "_function", "_task", "_withdrawn")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._context = copy_context()
        self._task: Task[Any] | None = None
        self._withdrawn = False
        self._answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def answer(self) -> Any:
        """In the thread: wait for the answer."""
        value, error = self._answers.get()
        if error is None:
            return value
        try:
            raise error
        finally:
            del error

    def serve(self, kernel: Kernel) -> None:
        """In the kernel: make the call."""
        if self._withdrawn:
            return
        try:
            value = self._context.run(self._function, *self._args)
            if isinstance(value, (Syscall, Coroutine, Generator)):
                code = _make(value) if isinstance(value, Syscall) else value
                self._task = kernel.spawn(code, f"call_in_kernel({name_of(self._function)})", context=self._context)
                return listen(self._task, self)
        except BaseException as error:
            self._answers.put((None, error))
            if not isinstance(error, Exception):
                raise
        else:
            self.wake(value)

    def withdraw(self) -> None:
        """Have the thread go on without an answer, unless there is one already."""
        self._withdrawn = True
        self._answers.put((None, RuntimeError(f"the kernel cancelled {name_of(self._function)}, or was closed before "
                                              "it answered")))

    def wake(self, value: object) -> None:
        """The call, or the task that makes it, has returned."""
        self._answers.put((value, None))

    def throw(self, error: BaseException) -> None:
        """The task that makes the call has failed or was cancelled."""
        task, self._task = self._task, None  # which keeps the error
        assert task is not None
        if task.cancelled():
            self.withdraw()
        else:
            self._answers.put((None, error))


async def _make(request: Syscall[T]) -> T:
    return await request


class Home:
    """Where the threads of a kernel's pool can call in; shut before the kernel stops to answer."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._ident = threading.get_ident()
        self._mutex = threading.Lock()
        self._asked: set[Question] = set()
        self._shut = False

    def ask(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Have the kernel call `function(*args)`, and block until there is an answer."""
        if threading.get_ident() == self._ident:
            raise RuntimeError("call_in_kernel() was called in the kernel's own thread; call the function itself")
        question = Question(function, args)
        with self._mutex:
            if self._shut:
                raise RuntimeError("the kernel is closing; nothing can be called in it any more")
            self._asked.add(question)
        try:
            self._kernel.call_from_thread(question.serve, self._kernel)
            return question.answer()
        finally:
            with self._mutex:
                self._asked.discard(question)

    def shut(self) -> None:
        """Turn away who calls from now on, and who still waits."""
        with self._mutex:
            self._shut = True
            for question in self._asked:
                question.withdraw()


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


def await_end(kernel: Kernel, workers: str, at_work: dict[Future[Any], str]) -> bool:
    """Wait for the kernel's grace until all have ended; report those that have not."""
    late = wait(at_work, timeout=kernel.grace).not_done
    if late:
        names = ", ".join(sorted(at_work[future] for future in late))
        kernel.report(f"the kernel cannot close while {workers} are at work on: {names}",
                      TimeoutError(f"still running after {kernel.grace:g} s"))
    return not late


class RunInThread(Job[T]):
    """Wait for a function that runs in a thread; `lane` is the kind of the function, and says whom it may wait for."""

    __slots__ = ("_context", "_lane")

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], abandon: bool, lane: str) -> None:
        super().__init__(function, args, abandon)
        self._lane = lane

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self._make(task)
        threads = kernel.resource(pool)
        self._context = task.context.copy()
        self._context.run(_home.set, threads.home)
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


def call_in_kernel(function: Callable[..., Any], *args: Any) -> Any:
    """From a function that runs by `run_in_thread`: have its kernel call `function(*args)`, and return the value.

    Blocks the thread until then; an exception is raised here. Where the function returns a coroutine or a generator,
    that is run as a task, and its value is returned; so is what a syscall answers: `call_in_kernel(queue.put, item)`
    blocks the thread until there is room. The function sees the context variables of the thread. Raises `RuntimeError`
    in any other thread (`Kernel.call_from_thread` works there), and when the kernel is closing or cancels the task.
    """
    home = _home.get(None)
    if home is None:
        raise RuntimeError("call_in_kernel() was called in a thread that was not started by run_in_thread()")
    return home.ask(function, args)
