"""asyncio's Future, as a syscall of the kernel; and the methods of a future for our Task.

To await a future is to yield it. The trampoline executes it as it executes any syscall: `execute` puts the task among
the future's callbacks. When the future is done, it calls `loop.call_soon(task)`, and that puts the task into the ready
queue, without a Handle. A `Task` is no subclass of `Future`: it is a `Waitable` of the kernel with a future's methods.
"""

from __future__ import annotations

import asyncio
import reprlib
import sys
from asyncio import base_futures, futures
from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar

from kernel.core import Kernel
from kernel.syscalls import Syscall
from kernel.task import Task as KernelTask
from kernel.waitable import Waitable

from .current_loop import get_event_loop
from .guest import AsyncioKernel
from .handles import Handle

if sys.version_info >= (3, 14):
    from .graph import use_ours

    use_ours()  # so that asyncio can tell who waits for the futures below

T = TypeVar("T")

# asyncio's own, also after `install` has put ours in their places.
AsyncioFuture = asyncio.Future
AsyncioTask = asyncio.Task


def replacement(stop: StopIteration, loop: asyncio.AbstractEventLoop) -> BaseException:
    """The exception that takes the place of a `StopIteration`, which would end the generator that waits for the future.

    Releases of Python differ, and some raise `TypeError` here. So asyncio's own future is asked.
    """
    future: Any = futures._PyFuture(loop=loop)  # type: ignore[attr-defined]
    future.set_exception(stop)
    return future.exception()  # type: ignore[no-any-return]


def implied_loop() -> asyncio.AbstractEventLoop:
    """The loop of a future or a task that is made without one.

    Since Python 3.14 it raises `RuntimeError` where no loop is current, unless `install(legacy=True)` was called.
    """
    return asyncio.get_event_loop() if sys.version_info >= (3, 14) else get_event_loop()


def is_task(waiter: Any) -> bool:
    """Whether a callback of a future is one of our tasks, which waits for the future."""
    return waiter.__class__ is AsyncioTask


def _execute_checked(future: Any, task: Any) -> bool:
    """Check an unusual wait: raise the error that asyncio has for it, or tell whether `task` was answered at once.

    `kernel.failures.clear_execute` knows the frame of this function by its name.
    """
    if not hasattr(task, "check_wait"):
        raise RuntimeError(f"{task} is of no event loop and cannot wait for {future!r}")
    blocking, future._asyncio_future_blocking = future._asyncio_future_blocking, False
    task.check_wait(future, blocking)
    if not future.done():
        return False
    task.inbox = future.result()  # native code has yielded the future itself, and expects an answer
    return True


class Collector:
    """A callback that many tasks have, and that need not be called for each of them.

    In its last step a task asks `needs_call`. The answer is no where the call would only count that task: nobody can
    tell that it was left out.
    """

    __slots__ = ()

    def needs_call(self, task: Any, returned: bool) -> bool:
        """Whether it is to be called, as any callback is, for `task`, which is done; whether it has `returned`."""
        raise NotImplementedError

    def awaited_by(self) -> Any:
        """The task that waits until all are done, or None."""
        raise NotImplementedError


class FutureMethods(Waitable[T]):
    """The methods of `asyncio.Future`, for our `Task`.

    An object whose `__init__` was not called is pending and has no loop, as it is for asyncio.
    """

    if not TYPE_CHECKING:  # the checker does not see the slots of the subclasses here
        __slots__ = ()

    kernel: AsyncioKernel
    _loop: asyncio.AbstractEventLoop
    _cancelled: bool
    # Who is told when it is done: a task that waits for it, or a function with its context. Most futures have one only,
    # and need no list: `gather` of the benchmarks. The later ones are in the list, each with its context, in the order
    # in which they came. A task has no context there.
    _waiter: Any
    _waiter_context: Context | None
    _waiters: list[tuple[Any, Context | None]] | None  # type: ignore[assignment]
    _asyncio_future_blocking: bool
    _traceback: Any  # of the exception; or, if it was cancelled, the error that ended it, until somebody has got it

    _cancel_message: Any = None
    _source_traceback: Any = None
    _to_report = False
    _awaited_by: set[Any] | None = None  # who waits for it without awaiting it: see graph.py

    __class_getitem__ = classmethod(GenericAlias)  # type: ignore[var-annotated]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.add_done_callback is not FutureMethods.add_done_callback or cls.result is not FutureMethods.result:
            cls.execute = FutureMethods._execute_overridden  # type: ignore[method-assign]

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' '.join(self._repr_info())}>"

    def _repr_info(self) -> list[str]:
        return base_futures._future_repr_info(self)  # type: ignore

    def __del__(self) -> None:
        if self._to_report:
            self._report("exception was never retrieved", exception=self._exception, future=self)

    def _report(self, message: str, **details: Any) -> None:
        context = {"message": f"{type(self).__name__} {message}", **details}
        if self._source_traceback:
            context["source_traceback"] = self._source_traceback
        self._loop.call_exception_handler(context)

    # The names by which asyncio's own modules and other libraries look into a future.

    @property
    def _state(self) -> str:
        return "PENDING" if not self._done else "CANCELLED" if self._cancelled else "FINISHED"

    @property
    def _callbacks(self) -> list[tuple[Any, Context | None]] | None:
        return [(waiter, waiter.context if context is None else context) for waiter, context in self._line()] or None

    @property
    def told_when_done(self) -> list[Any]:  # type: ignore[override]  # of a property
        return [] if self._waiter is None else [waiter for waiter, _ in self._line()]

    @property
    def _asyncio_awaited_by(self) -> frozenset[Any] | None:
        waiting = {waiter.awaited_by() if isinstance(waiter, Collector) else waiter
                   for waiter, context in self._line() if context is None or isinstance(waiter, Collector)}
        waiting.discard(None)
        return frozenset(waiting.union(self._awaited_by or ())) or None

    def _line(self) -> list[tuple[Any, Context | None]]:
        """All that wait to be told, and their contexts."""
        if self._done or self._waiter is None:
            return []
        return [(self._waiter, self._waiter_context), *(self._waiters or ())]

    @property
    def _log_traceback(self) -> bool:
        return self._to_report

    @_log_traceback.setter
    def _log_traceback(self, value: bool) -> None:
        if value:
            raise ValueError("_log_traceback can only be set to False")
        self._to_report = False

    def get_loop(self) -> asyncio.AbstractEventLoop:
        try:
            return self._loop
        except AttributeError:
            raise RuntimeError("Future object is not initialized.") from None

    def cancel(self, msg: Any = None) -> bool:
        if self._to_report:
            self._to_report = False
        if self._done:
            return False
        if msg is not None:
            self._cancel_message = msg
        self._cancelled = True
        self._traceback = None
        self._finish()
        return True

    def cancelled(self) -> bool:
        try:
            return self._cancelled
        except AttributeError:
            return False

    def done(self) -> bool:
        try:
            return self._done
        except AttributeError:
            return False

    def result(self) -> T:
        try:
            done = self._done
        except AttributeError:
            done = False
        if not done:
            raise asyncio.InvalidStateError("Result is not set.")
        if self._exception is not None or self._cancelled:
            try:
                raise self._failure()
            finally:
                del self  # for the reason given in __await__
        return self._result  # type: ignore[return-value]  # a T since it is done

    def exception(self) -> BaseException | None:
        try:
            done = self._done
        except AttributeError:
            done = False
        if not done:
            raise asyncio.InvalidStateError("Exception is not set.")
        if self._cancelled:
            raise self._make_cancelled_error()
        if self._exception is not None:
            self._to_report = False
        return self._exception

    def _failure(self) -> BaseException:
        """The exception for somebody who asks for the result of this future, which has failed or was cancelled."""
        if self._cancelled:
            return self._make_cancelled_error()
        assert self._exception is not None
        if self._to_report:
            self._to_report = False
        return self._exception.with_traceback(self._traceback)

    def _make_cancelled_error(self) -> BaseException:
        if self._cancelled:
            error: BaseException | None = self._traceback
            self._traceback = None
            if error is not None:
                return error
        message = self._cancel_message
        return asyncio.CancelledError() if message is None else asyncio.CancelledError(message)

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        if self._done:
            self._loop.call_soon(fn, self, context=context)
            return
        self.line_up(fn, copy_context() if context is None else context)

    def line_up(self, waiter: Any, context: Context | None) -> None:
        """Have `waiter` told when this is done: a function in its context, or a task without one."""
        if self._waiter is None:
            self._waiter = waiter
            self._waiter_context = context
        elif self._waiters is None:
            self._waiters = [(waiter, context)]
        else:
            self._waiters.append((waiter, context))

    def remove_done_callback(self, fn: Callable[[Any], object], /) -> int:
        if self._done or self._waiter is None:
            return 0
        line = self._line()
        gone = {(id(waiter), id(context)) for waiter, context in line if context is not None and waiter == fn}
        if gone and not self._done:  # a comparison may have completed the future, or may have changed the line
            left = self._line()
            self._waiter = self._waiter_context = self._waiters = None
            for waiter, context in left:
                if (id(waiter), id(context)) not in gone:
                    self.line_up(waiter, context)
        return sum((id(waiter), id(context)) in gone for waiter, context in line)

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        if self._done:
            raise asyncio.InvalidStateError(f"{self._state}: {self!r}")
        if isinstance(exception, type):
            exception = exception()
        if isinstance(exception, StopIteration):
            exception = replacement(exception, self._loop)
        if not isinstance(exception, BaseException):
            raise TypeError(f"invalid exception object: {exception!r}")
        self._exception = exception
        self._traceback = exception.__traceback__
        self._finish()
        self._to_report = True

    def _finish(self) -> None:
        """Become done."""
        self._done = True
        if self._waiter is not None:
            self._tell()

    def _tell(self) -> None:
        """Tell everyone who waits."""
        waiter, context, ready = self._waiter, self._waiter_context, self.kernel.unchecked
        if self._waiters is None and context is None:  # one task, as in most cases: `spawn` of the benchmarks
            self._waiter = None
            waiter.kernel.ready.append(waiter)
            return
        returned = self._exception is None and not self._cancelled
        if self._waiters is None and ready is not None:
            if isinstance(waiter, Collector) and not waiter.needs_call(self, returned):
                self._waiter = self._waiter_context = None
            else:
                ready.append(self)  # which calls the function: see `Task.run`
            return
        line = [(waiter, context), *(self._waiters or ())]
        self._waiter = self._waiter_context = self._waiters = None
        for waiter, context in line:
            if context is None:  # a task
                waiter.kernel.ready.append(waiter)
            elif isinstance(waiter, Collector) and not waiter.needs_call(self, returned):
                continue
            elif ready is not None:
                ready.append(Handle(waiter, (self,), self._loop, context))
            else:
                self._loop.call_soon(waiter, self, context=context)

    def __await__(self) -> Generator[Any, Any, T]:
        try:
            if not self._done:
                self._asyncio_future_blocking = True
                yield self
                if not self._done:
                    raise RuntimeError("await wasn't used with future")
            if self._exception is not None or self._cancelled:
                raise self._failure()
            return self._result  # type: ignore[return-value]  # a T since it is done
        except BaseException:
            del self  # else the exception's traceback would have this frame, and so keep the future alive
            raise

    __iter__ = __await__

    def execute(self, kernel: Kernel, task: KernelTask[Any]) -> bool:
        try:  # quicker than `getattr`: `spawn` of the benchmarks
            loop = task._loop  # type: ignore[attr-defined]
        except AttributeError:
            loop = None  # a native task's
        usual = loop is self._loop and self._asyncio_future_blocking and task is not self  # type: ignore[comparison-overlap]
        if not usual and _execute_checked(self, task):
            return True
        self._asyncio_future_blocking = False
        if self._waiter is None:
            self._waiter = task
        else:
            self.line_up(task, None)
        return False

    def _execute_overridden(self, kernel: Kernel, task: KernelTask[Any]) -> bool:
        """`execute` for a subclass that has overridden methods of a future: these are called, as asyncio calls them."""
        task.blocked_on = request = task.translate(self)
        return request.execute(kernel, task)


class FutureType(type):
    """Has `isinstance(x, Future)` say what `isinstance(x, asyncio.Future)` says: yes, for a task of ours."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, AsyncioFuture) if cls is Future else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, (AsyncioFuture, FutureMethods)) if cls is Future else (
            type.__subclasscheck__(cls, subclass))


class Future(AsyncioFuture[T], Syscall[T], metaclass=FutureType):
    """A result that is not there yet: asyncio's own Future, and a syscall, which the trampoline can execute."""

    _source_traceback: Any
    _awaited_by: set[Any] | None = None  # as in FutureMethods

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(loop=implied_loop() if loop is None else loop)
        if self._source_traceback:
            del self._source_traceback[-1]

    @property
    def _asyncio_awaited_by(self) -> frozenset[Any] | None:
        waiting = {callback for callback, _ in self._callbacks or () if is_task(callback)}
        return frozenset(waiting.union(self._awaited_by or ())) or None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.result is not AsyncioFuture.result:  # an overridden method is called, as asyncio calls it
            cls.execute = FutureMethods._execute_overridden  # type: ignore[assignment]

    def execute(self, kernel: Kernel, task: KernelTask[Any]) -> bool:
        try:  # as in FutureMethods
            loop = task._loop  # type: ignore[attr-defined]
        except AttributeError:
            loop = None
        usual = loop is self._loop and self._asyncio_future_blocking
        if not usual and _execute_checked(self, task):
            return True
        self._asyncio_future_blocking = False
        self.add_done_callback(task, context=task.kernel.wakeup_context)  # type: ignore[arg-type, attr-defined]
        return False


# How a loop makes a future, quicker than by a call of the class: `pingpong` of the benchmarks.
new_future: Any = AsyncioFuture.__new__
init_future: Any = AsyncioFuture.__init__


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(asyncio.futures, name)
