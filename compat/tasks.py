"""asyncio's Task: a task of the kernel that has asyncio's methods and keeps asyncio's rules.

It differs from a native task in what a program can see: which exceptions mean what, what may be yielded, and when a
cancellation is delivered. And only the program keeps a task alive, the kernel does not. Native syscalls work in both.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from abc import ABCMeta
from asyncio import base_tasks, coroutines, format_helpers, futures
from asyncio import tasks as asyncio_tasks
from contextvars import Context, copy_context
from functools import partial
from types import CoroutineType, FrameType, GeneratorType
from typing import Any, TextIO, TypeVar
from weakref import ref

from kernel.core import Kernel
from kernel.failures import abort_failed, answered_twice, clear_execute, drop_frame, traceback_of
from kernel.syscalls import Syscall
from kernel.task import Task as KernelTask
from kernel.waitable import Waiter

from .current import current, current_tasks, leave, scheduled
from .current_loop import get_event_loop
from .futures import AsyncioFuture, Future, FutureMethods, implied_loop
from .guest import AsyncioKernel, guest_of
from .handles import Handle

T = TypeVar("T")

_numbers = asyncio_tasks._task_name_counter.__self__  # type: ignore[attr-defined]
_register_eager: Any = getattr(asyncio_tasks, "_register_eager_task", None)  # since Python 3.12
_unregister_eager: Any = getattr(asyncio_tasks, "_unregister_eager_task", None)


class ForeignWait(Syscall[None]):
    """Wait for a future that is not ours: asyncio's own class, or any object with the methods of a future."""

    __slots__ = ("future",)

    def __init__(self, future: Any) -> None:
        self.future = future

    def execute(self, kernel: Kernel, task: KernelTask[Any]) -> bool:
        assert isinstance(task, Task)
        self.future._asyncio_future_blocking = False
        self.future.add_done_callback(task, context=task.kernel.wakeup_context)  # type: ignore[attr-defined]
        return False

    def abort(self, kernel: Kernel, task: KernelTask[Any]) -> None:
        # A cancellation goes to the future. Only the crash of a simulated host takes a task out of its wait.
        self.future.remove_done_callback(task)

    def __repr__(self) -> str:
        return f"Wait({self.future!r})"


def failure_of(awaited: Any) -> BaseException | None:
    """The exception with which the wait for `awaited` ended; None if there is none, or `awaited` is no future."""
    if isinstance(awaited, (AsyncioFuture, FutureMethods)):
        try:
            awaited.result()
        except BaseException as error:
            drop_frame(error)
            return error
    return None


def tell(waiter: Waiter, task: Task[Any]) -> None:
    """Tell `waiter` how `task` has ended."""
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is None:
        waiter.wake(task.result())
    else:
        waiter.throw(error)


class Task(FutureMethods[T], KernelTask[T], metaclass=ABCMeta):
    """A coroutine that is being run, as by `asyncio.Task`. For `isinstance` it is an `asyncio.Task`.

    It accepts generator objects as coroutines, as asyncio did until Python 3.11.
    """

    # What is set when a task is made. An attribute that is seldom needed has its default in the class; another value
    # goes to the instance's dict.
    __slots__ = ("__dict__", "_asyncio_future_blocking", "_cancelled", "_log_destroy_pending", "_loop", "_reference",
                 "_waiter", "_waiter_context")

    __class__ = asyncio.Task  # type: ignore[assignment]
    __name__ = "Task.task_wakeup"  # shown in the repr of a future that has the task among its callbacks
    cancelled_type = asyncio.CancelledError
    kernel: AsyncioKernel
    _reference: ref[Task[T]] | None  # in asyncio's set of tasks; None after an eager start

    def __init__(self, coro: Any, *, loop: asyncio.AbstractEventLoop | None = None, name: object = None,
                 context: Context | None = None, eager_start: bool = False) -> None:
        loop = implied_loop() if loop is None else loop
        kernel = getattr(loop, "kernel", None)
        if not isinstance(kernel, AsyncioKernel):
            kernel = guest_of(loop, NativeTask)
        self.start(coro, loop, kernel, name, context, eager_start)
        if self._source_traceback:
            del self._source_traceback[-1]

    def start(self, coro: Any, loop: asyncio.AbstractEventLoop, kernel: AsyncioKernel, name: object,
              context: Context | None, eager_start: bool = False) -> None:
        """What `__init__` does, once the loop and its kernel are known."""
        self._loop = loop
        self.kernel = kernel
        self._done = False
        self._cancelled = False
        self._exception = None
        self._waiter = self._waiter_context = self._waiters = None
        self._asyncio_future_blocking = False
        if kernel.debug:
            self._source_traceback = format_helpers.extract_stack(sys._getframe(1))  # type: ignore[attr-defined]
        if type(coro) is not CoroutineType and type(coro) is not GeneratorType and not coroutines.iscoroutine(coro):
            raise TypeError(f"a coroutine was expected, got {coro!r}")
        if context is None:
            context = copy_context()
        elif sys.version_info >= (3, 15) and not isinstance(context, Context):
            raise TypeError(f"a contextvars.Context was expected, got {type(context).__name__}")
        self._name = next(_numbers) if name is None else str(name)
        self.code = coro
        self.callers = None
        self.context = context
        self.blocked_on = None
        self.inbox = None
        self.error = None
        self.woken = False
        self.shields = 0
        self.cancel_requests = 0
        self.interruption = None
        self._log_destroy_pending = True
        if kernel.tap is not None:
            kernel.tap.attach(self)
        if eager_start and self._loop.is_running():
            self._reference = None
            self._start_eagerly()
        else:
            self._reference = ref(self)
            scheduled.add(self._reference)
            kernel.ready.append(self)

    def _register(self) -> None:
        self._reference = ref(self)
        scheduled.add(self._reference)

    def _start_eagerly(self) -> None:
        """Make the first step at once, in the middle of what the caller runs."""
        kernel, loop = self.kernel, self._loop
        running, previous = kernel.current, current(loop)
        _register_eager(self)
        current_tasks[loop] = self
        try:
            KernelTask.run(self, kernel)
        finally:
            kernel.current = running
            _unregister_eager(self)
            if previous is None:
                leave(loop, None)
            else:
                current_tasks[loop] = previous
            if self._done:
                code, self.code = self.code, None
            else:
                self._register()
        if self._exception is not None and getattr(code, "cr_frame", None) is not None:  # the code was not even started
            self._to_report = False
            raise self._exception

    def __del__(self) -> None:
        try:
            if self._done and self._exception is None:
                return
            reference = self._reference
        except AttributeError:
            return  # __init__ was not called, or has failed
        if not self._done:
            scheduled.discard(reference)
            if self._log_destroy_pending:
                context = {"task": self, "message": "Task was destroyed but it is pending!"}
                if self._source_traceback:
                    context["source_traceback"] = self._source_traceback
                self._loop.call_exception_handler(context)
        else:
            FutureMethods.__del__(self)

    def run(self, kernel: AsyncioKernel) -> None:  # type: ignore[override]  # its kernel is one
        """One step: the kernel's, by asyncio's rules for what is thrown at its beginning."""
        if self._done:
            return self._call_back(kernel)
        current_tasks[self._loop] = self
        awaited: Any = self.blocked_on
        if awaited is not None:  # it only wakes the task, whose code then asks for the result
            self.blocked_on = None
            if type(awaited) is ForeignWait:
                self.error = failure_of(awaited.future)
                self.traceback = None
        if self.error is not None or self.interruption is not None:
            self._due(awaited)
        KernelTask.run(self, kernel)
        del self, awaited  # for the reason given there

    def _call_back(self, kernel: AsyncioKernel) -> None:
        """Once the task is done: call the one function that is to be told. Nobody needs a handle for it."""
        callback, context = self._waiter, self._waiter_context
        if context is None:
            raise asyncio.InvalidStateError(f"step(): already done: {self!r}")
        self._waiter = self._waiter_context = None
        if kernel.current is not None:
            kernel.current = None
            leave(self._loop, None)
        try:
            context.run(callback, self)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            Handle(callback, (self,), self._loop, context).report(error)
        del self, callback  # for the reason given in run

    def _due(self, awaited: Any) -> None:
        """Decide what to throw now: an error, or the cancellation that is due; nothing if the task gets an answer."""
        error = failure_of(awaited) if self.error is None else self.error
        if self.error is None or self.traceback is None:
            self.traceback = None if error is None else traceback_of(error)
        if self.interruption is not None and not self.woken and self.shields <= 0:
            self.interruption = None
            self.shields = abs(self.shields)
            if not isinstance(error, asyncio.CancelledError):
                error, self.traceback = self._make_cancelled_error(), None
        self.error = error

    def _refused(self, error: BaseException) -> bool:
        self.error, self.traceback = error, traceback_of(error)
        if self.blocked_on is not None:  # else execute() had made the task ready before it failed
            self.blocked_on = None
            self.kernel.ready.append(self)
        return False  # asyncio raises it in a step of its own

    def _deliver(self) -> None:
        if self._pass_on(self._cancel_message):
            self.interruption = None
            self.shields = abs(self.shields)

    def _return(self, value: T) -> None:
        scheduled.discard(self._reference)
        if self.interruption is not None:  # it comes too late to be thrown
            self.interruption = None
            FutureMethods.cancel(self, self._cancel_message)
        else:
            self._result = value
            self._done = True
            if self._waiter is not None:
                self._tell()
        if self.kernel.tap is not None:
            self.kernel.tap.ended(self, value, None)

    def _raise(self, error: BaseException) -> None:
        scheduled.discard(self._reference)
        if isinstance(error, asyncio.CancelledError):
            self._traceback = error
            if self._cancel_message is not None:
                self._cancel_message = None  # `error` has it, for the first who asks; asyncio forgets it, too
            self._cancelled = self._done = True
            if self._waiter is not None:
                self._tell()
        else:
            FutureMethods.set_exception(self, error)
        if self.kernel.tap is not None:
            self.kernel.tap.ended(self, None, error)
        if self._exception is not None and isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error

    def translate(self, request: object) -> Syscall[Any]:
        blocking = getattr(request, "_asyncio_future_blocking", None)
        if blocking is None:
            if isinstance(request, GeneratorType):
                raise RuntimeError(f"yield was used instead of yield from for generator in task {self!r} "
                                   f"with {request!r}")
            raise RuntimeError(f"Task got bad yield: {request!r}")
        self.check_wait(request, blocking)
        return ForeignWait(request)

    def check_wait(self, future: Any, blocking: bool) -> None:
        """Raise the error that asyncio raises for a wait for `future`, if there is one."""
        if futures._get_loop(future) is not self._loop:  # type: ignore[attr-defined]
            raise RuntimeError(f"Task {self!r} got Future {future!r} attached to a different loop")
        if not blocking:
            raise RuntimeError(f"yield was used instead of yield from in task {self!r} with {future!r}")
        if future is self:
            raise RuntimeError(f"Task cannot await on itself: {self!r}")

    def __call__(self, future: Any) -> None:
        """One step, called by a loop that is not ours, for a future that was waited for. Our loops call `run`."""
        kernel, loop = self.kernel, self._loop
        try:
            self.run(kernel)
        finally:
            kernel.current = None
            leave(loop, None)
            del self, future  # for the reason given in run

    def cancel(self, msg: Any = None) -> bool:
        if self._done:
            self._to_report = False
            return False
        self.cancel_requests += 1
        if self.shields > 0 or not self._pass_on(msg):
            if msg is not self._cancel_message:
                self._cancel_message = msg
            self.interruption = self._make_cancelled_error()
        return True

    def _pass_on(self, msg: Any) -> bool:
        """Cancel what the task waits for, and tell whether the cancellation is certain to reach the task that way."""
        request: Any = self.blocked_on
        if request is None:
            return False
        if type(request) is Future:  # in most cases: `cancel` of the benchmarks
            return bool(request.cancel(msg))
        if isinstance(request, ForeignWait):
            request = request.future
        elif not isinstance(request, (AsyncioFuture, FutureMethods)):
            self.blocked_on = None
            self.error = asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)
            self.traceback = None
            self.kernel.ready.append(self)
            try:
                request.abort(self.kernel, self)
            except BaseException as error:
                abort_failed(self.kernel, request, self, error)
            return True
        return bool(request.cancel(msg=msg))

    def add_waiter(self, waiter: Waiter) -> None:
        self.add_done_callback(partial(tell, waiter))

    def uncancel(self) -> int:
        if self.cancel_requests > 0:
            self.cancel_requests -= 1
            if self.cancel_requests == 0 and sys.version_info >= (3, 13):  # before, asyncio delivers it
                self.interruption = None
        return self.cancel_requests

    @classmethod
    def current_task(cls, loop: asyncio.AbstractEventLoop | None = None) -> Any:
        """`asyncio.current_task()`, as it was called until Python 3.8."""
        warnings.warn("Task.current_task() is deprecated since Python 3.7, use asyncio.current_task() instead",
                      DeprecationWarning, stacklevel=2)
        return asyncio.current_task(get_event_loop() if loop is None else loop)

    @classmethod
    def all_tasks(cls, loop: asyncio.AbstractEventLoop | None = None) -> set[Any]:
        """`asyncio.all_tasks()`, as it was called until Python 3.8. (There it gave the tasks that are done as well.)"""
        warnings.warn("Task.all_tasks() is deprecated since Python 3.7, use asyncio.all_tasks() instead",
                      DeprecationWarning, stacklevel=2)
        return asyncio.all_tasks(get_event_loop() if loop is None else loop)

    def set_result(self, result: T, /) -> None:
        raise RuntimeError("Task does not support set_result operation")

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        raise RuntimeError("Task does not support set_exception operation")

    def get_coro(self) -> Any:
        return self._coro

    def get_context(self) -> Context:
        context: Any = getattr(self, "context", None)  # without it when __init__ was not called
        stand_in = context is not None and not isinstance(context, Context)  # an observer's
        return context.context if stand_in else context  # type: ignore[no-any-return]

    def get_name(self) -> str:
        return self.name

    def set_name(self, value: object, /) -> None:
        self._name = str(value)
        if self.kernel.tap is not None:
            self.kernel.tap.renamed(self)

    @property
    def name(self) -> str:
        return self._name if isinstance(self._name, str) else f"Task-{self._name}"

    def get_stack(self, *, limit: int | None = None) -> list[FrameType]:
        return base_tasks._task_get_stack(self, limit)  # type: ignore

    def print_stack(self, *, limit: int | None = None, file: TextIO | None = None) -> None:
        base_tasks._task_print_stack(self, limit, file)  # type: ignore

    # The names by which asyncio's own modules and other libraries look into a task.

    @property
    def _coro(self) -> Any:
        return self.callers[0] if self.callers else self.code

    @property
    def _context(self) -> Context:
        return self.get_context()

    @property
    def _fut_waiter(self) -> Any:
        request = self.blocked_on
        if isinstance(request, ForeignWait):
            return request.future
        return request if isinstance(request, (AsyncioFuture, FutureMethods)) else None

    @property
    def _must_cancel(self) -> bool:
        return self.interruption is not None

    @property
    def _num_cancels_requested(self) -> int:
        return self.cancel_requests

    def _repr_info(self) -> list[str]:
        if not isinstance(self._coro, GeneratorType):
            return base_tasks._task_repr_info(self)  # type: ignore
        # asyncio's own formatting refuses a generator since Python 3.12.
        frame, code = self._coro.gi_frame, self._coro.gi_code
        line = f"running at {code.co_filename}:{frame.f_lineno}" if frame is not None else (
            f"done, defined at {code.co_filename}:{code.co_firstlineno}")
        info = FutureMethods._repr_info(self)
        return [info[0], f"name={self.get_name()!r}", f"coro=<{self._coro.__qualname__}() {line}>", *info[1:]]

    __repr__ = __str__ = FutureMethods.__repr__


Task.register(asyncio.Task)


class NativeTask(Task[T]):
    """A task that `kernel.spawn` makes where an asyncio loop runs.

    As a native task, it may yield code to call, and may yield what it waits for. The kernel keeps it alive.
    """

    __slots__ = ("_yielded",)

    def __init__(self, coro: Any, *, daemon: bool = False, **kwargs: Any) -> None:
        self._yielded: Any = None
        self.daemon = daemon
        super(NativeTask, self).__init__(coro, **kwargs)
        self.id = next(self.kernel.task_ids)
        self.kernel.tasks[coro] = self

    def run(self, kernel: AsyncioKernel) -> None:  # type: ignore[override]  # its kernel is one
        if self._yielded is not None:  # the future itself: the answer is its result
            future, self._yielded = self._yielded, None
            try:
                self.inbox = future.result()
            except BaseException as error:
                self.error, self.traceback = error, None
        try:
            Task.run(self, kernel)
        finally:
            del self  # for the reason given in Task.run

    def translate(self, request: object) -> Syscall[Any]:
        if getattr(request, "_asyncio_future_blocking", None) is None:
            return KernelTask.translate(self, request)
        return Task.translate(self, request)

    def check_wait(self, future: Any, blocking: bool) -> None:
        Task.check_wait(self, future, True)
        if not blocking and isinstance(future, Syscall) and not future.done():  # type: ignore[attr-defined]
            self._yielded = future

    def _return(self, value: T) -> None:
        self.kernel.tasks.pop(self.code, None)
        Task._return(self, value)

    def _raise(self, error: BaseException) -> None:
        self.kernel.tasks.pop(self.code, None)
        Task._raise(self, error)


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(asyncio.tasks, name)
