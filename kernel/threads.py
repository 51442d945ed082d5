"""Ordinary blocking functions, run in threads or in other processes while the kernel goes on."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future, wait
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from .scopes import Shielded, listen
from .syscalls import Syscall

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from .core import Kernel
    from .task import Task

T = TypeVar("T")

DEFAULT_LIMIT = min(32, (os.cpu_count() or 1) + 4)  # as many threads as concurrent.futures thinks right

_home: ContextVar[Home] = ContextVar("_home")  # of the function that runs in a thread of a kernel's pool


class Job(Syscall[T]):
    """Wait for a function that runs elsewhere; the base of what runs in threads and in processes.

    While it runs and is not to be abandoned, the task is shielded: it gets the answer first, and is told of a
    cancellation where it suspends next.
    """

    __slots__ = ("_abandon", "_args", "_function", "_section", "_task")

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], abandon: bool) -> None:
        self._function = function
        self._args = args
        self._abandon = abandon
        self._task: Task[Any] | None = None
        self._section: Shielded | None = None

    def _started(self, kernel: Kernel, future: Future[T], at_work: dict[Future[Any], str]) -> None:
        """Have the task told when `future` is done, and the kernel know that it is not yet."""
        assert self._task is not None
        if not self._abandon:
            self._section = Shielded()
            self._section.enter(self._task)
        at_work[future] = _name(self._function)
        kernel.threads_at_work += 1
        future.add_done_callback(lambda future: kernel.call_from_thread(self._finish, kernel, future))

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
        return f"{type(self).__name__}({_name(self._function)})"


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))


class Home:
    """Where the threads of a kernel's pool can call in; shut before the kernel stops to answer."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._ident = threading.get_ident()
        self._mutex = threading.Lock()
        self._asked: set[Future[Any]] = set()
        self._shut = False

    def ask(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Have the kernel call `function(*args)`, and block until there is an answer."""
        if threading.get_ident() == self._ident:
            raise RuntimeError("call_in_kernel() was called in the kernel's own thread; call the function itself")
        answer: Future[Any] = Future()
        with self._mutex:
            if self._shut:
                raise RuntimeError("the kernel is closing; nothing can be called in it any more")
            self._asked.add(answer)
        try:
            self._kernel.call_from_thread(self._serve, answer, copy_context(), function, args)
            return answer.result()
        except CancelledError:
            raise RuntimeError(f"the kernel cancelled {_name(function)}, or was closed before it answered") from None
        finally:
            with self._mutex:
                self._asked.discard(answer)

    def _serve(self, answer: Future[Any], context: Context, function: Callable[..., Any],
               args: tuple[Any, ...]) -> None:
        if answer.cancelled():
            return
        try:
            value = context.run(function, *args)
            if isinstance(value, (Syscall, Coroutine, Generator)):
                code = _make(value) if isinstance(value, Syscall) else value
                task = self._kernel.spawn(code, f"call_in_kernel({_name(function)})", context=context)
                listen(task, Asker(task, answer))
            else:
                answer.set_result(value)
        except BaseException as error:
            answer.set_exception(error)
            if not isinstance(error, Exception):
                raise

    def shut(self) -> None:
        """Turn away who calls from now on, and who still waits."""
        with self._mutex:
            self._shut = True
            for answer in self._asked:
                answer.cancel()


async def _make(request: Syscall[T]) -> T:
    return await request


class Asker:
    """Passes on to a thread how a task ends."""

    def __init__(self, task: Task[Any], answer: Future[Any]) -> None:
        self._task = task
        self._answer = answer

    def wake(self, value: object) -> None:
        """The task has returned."""
        if not self._answer.cancelled():
            self._answer.set_result(value)

    def throw(self, error: BaseException) -> None:
        """The task has failed or was cancelled."""
        if self._task.cancelled():
            self._answer.cancel()
        elif not self._answer.cancelled():
            self._answer.set_exception(error)


class Pool:
    """The threads of one kernel, and the functions they are at work on.

    All but the threads' own loop happens in the kernel's thread, which so knows exactly how many are idle.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.limit = DEFAULT_LIMIT
        self.at_work: dict[Future[Any], str] = {}
        self.waiting: OrderedDict[RunInThread[Any], None] = OrderedDict()
        self.home = Home(kernel)
        self._threads: list[threading.Thread] = []
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def start_waiting(self) -> None:
        """Start as many of the functions that wait for a thread as may be."""
        while self.waiting and len(self.at_work) < self.limit:
            self.waiting.popitem(last=False)[0].start(self)

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

    def close(self) -> None:
        """Let every thread end, and wait for that."""
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            thread.join()


def _fulfil(future: Future[T], function: Callable[[], T]) -> None:
    try:
        value = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)


@contextmanager
def pool(kernel: Kernel) -> Iterator[Pool]:
    """The kernel's pool, whose functions are waited for when the kernel closes: a thread cannot be killed."""
    threads = Pool(kernel)
    yield threads
    threads.home.shut()
    _await_end(kernel, "threads", threads.at_work)
    threads.close()


def _await_end(kernel: Kernel, workers: str, at_work: dict[Future[Any], str]) -> bool:
    """Wait for the kernel's grace until all have ended; report those that have not."""
    late = wait(at_work, timeout=kernel.grace).not_done
    if late:
        names = ", ".join(sorted(at_work[future] for future in late))
        kernel.report(f"the kernel cannot close while {workers} are at work on: {names}",
                      TimeoutError(f"still running after {kernel.grace:g} s"))
    return not late


class RunInThread(Job[T]):
    """Wait for a function that runs in a thread."""

    __slots__ = ("_context",)

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        threads = kernel.resource(pool)
        self._task = task
        self._context = task.context.copy()
        self._context.run(_home.set, threads.home)
        threads.waiting[self] = None
        threads.start_waiting()
        return False

    def start(self, threads: Pool) -> None:
        """There is a thread for it."""
        assert self._task is not None
        try:
            future = threads.submit(partial(self._context.run, self._function, *self._args))
        except RuntimeError as error:
            self._task.throw(error)
        else:
            self._started(self._task.kernel, future, threads.at_work)

    def _finish(self, kernel: Kernel, future: Future[T]) -> None:
        threads = kernel.resource(pool)
        del threads.at_work[future]
        super()._finish(kernel, future)
        threads.start_waiting()

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        super().abort(kernel, task)
        kernel.resource(pool).waiting.pop(self, None)


def run_in_thread(function: Callable[..., T], *args: Any, abandon: bool = True) -> Syscall[T]:
    """Call `function(*args)` in a thread, in a copy of this task's context; the answer is its value or its exception.

    A function that waits for a thread when its task is cancelled is never called. One that has started cannot be
    stopped. With `abandon`, cancellation ends the wait at once: the function goes on, its value is dropped and its
    exception goes to the kernel's exception hook. Without, the task waits for the function to end, gets its value or
    exception, and is cancelled where it suspends next: for a function that must not run on unattended, because it
    writes a file or opens what has to be closed. When the kernel closes it waits for all of them.

    `limit_threads` says how many run at a time.
    """
    if not callable(function):
        raise TypeError(f"run_in_thread() takes a function and its arguments, not {function!r}")
    return RunInThread(function, args, abandon)


class LimitThreads(Syscall[int]):
    """Set how many threads there may be; answered at once."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        threads = kernel.resource(pool)
        task.inbox, threads.limit = threads.limit, self._number
        threads.start_waiting()
        return True


def limit_threads(number: int) -> Syscall[int]:
    """From now on `run_in_thread` uses up to `number` threads of this kernel at a time; the answer is the former limit.

    Functions above the limit wait for a thread in the order of their calls. Lowering it stops nothing that runs. By
    default it is the number of processors and 4 more, up to 32. Not a point of cancellation.
    """
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


class Workers:
    """The worker processes of one kernel, and the functions they are at work on."""

    def __init__(self) -> None:
        self.at_work: dict[Future[Any], str] = {}
        self.killed = False
        self.pool: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[..., T], args: tuple[Any, ...]) -> Future[T]:
        if self.pool is None:
            # Not for every program: importing these takes a fifth of the time that importing the kernel does.
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            # A fork of a process with threads, as this one has, may find their locks held for ever; hence "spawn".
            self.pool = ProcessPoolExecutor(mp_context=get_context("spawn"))
        try:
            return self.pool.submit(function, *args)
        except BrokenExecutor:  # since a process has died while nobody waited
            self.discard(self.pool)
            return self.submit(function, args)

    def discard(self, pool: ProcessPoolExecutor | None) -> None:
        """Get rid of a pool of which a process has died; the next call makes another."""
        if pool is not None and pool is self.pool:
            self.pool = None
            # The pool has told the others to end too, but one that was just being started it may have missed.
            _kill(pool)
            pool.shutdown()

    def close(self, kill: bool) -> None:
        """Let every process end, or make it."""
        self.killed = kill
        if self.pool is not None:
            if kill:
                _kill(self.pool)
            self.pool.shutdown()


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):  # there is no public way to them before Python 3.14
        process.kill()


@contextmanager
def workers(kernel: Kernel) -> Iterator[Workers]:
    """The kernel's processes; when it closes, those that do not end within its grace are killed."""
    processes = Workers()
    yield processes
    in_time = _await_end(kernel, "processes", processes.at_work)
    processes.close(kill=not in_time)


class RunInProcess(Job[T]):
    """Wait for a function that runs in another process."""

    __slots__ = ("_future", "_pool")

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        processes = kernel.resource(workers)
        self._future = processes.submit(self._function, self._args)
        self._pool = processes.pool
        self._task = task
        self._started(kernel, self._future, processes.at_work)
        return False

    def _finish(self, kernel: Kernel, future: Future[T]) -> None:
        processes = kernel.resource(workers)
        del processes.at_work[future]
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            future = Future()
            if processes.killed:
                future.cancel()  # which has been reported
                return super()._finish(kernel, future)
            processes.discard(self._pool)
            future.set_exception(type(error)(
                f"a worker process died suddenly, and with it the call of {_name(self._function)}(), which it or "
                "another was at work on: it was killed, ended itself, or could not import the program's main module "
                "(which needs 'if __name__ == \"__main__\":' around what starts the program)"))
        super()._finish(kernel, future)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        super().abort(kernel, task)
        self._future.cancel()


def run_in_process(function: Callable[..., T], *args: Any, abandon: bool = True) -> Syscall[T]:
    """Call `function(*args)` in another process; the answer is its value or its exception.

    For work that would keep a processor, and so the kernel, busy. There are as many processes as processors, made when
    they are first needed and kept until the kernel closes. They are started afresh and import the program's main
    module, which has to keep what starts the program behind `if __name__ == "__main__":`; function, arguments and
    value are pickled. On POSIX `multiprocessing` leaves one small process of its own, the resource tracker, until the
    program ends.

    Cancellation as with `run_in_thread`: a call that has not been passed to a process never is; one that has cannot be
    stopped, and is abandoned or waited for. When the kernel closes it gives them its `grace` and then kills them. A
    process that dies suddenly takes all calls under way with it: each raises
    `concurrent.futures.process.BrokenProcessPool`, and the next call gets new processes.
    """
    if not callable(function):
        raise TypeError(f"run_in_process() takes a function and its arguments, not {function!r}")
    return RunInProcess(function, args, abandon)
