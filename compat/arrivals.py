"""A future for which one task waits at once: what a read of a stream waits for.

It is where asyncio has a future, and does what a future does. It leaves out what such a wait does not need: a list of
callbacks, a generator to await it, calls of the loop to make it and to wake the task. The row `echo-streams-1KiB-1` of
the benchmarks shows what that saves: 5,000 of 56,000 instructions.
"""

from __future__ import annotations

import asyncio
import reprlib
from asyncio import base_futures
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from typing import Any

from kernel.checks import made_before
from kernel.core import Kernel
from kernel.failures import traceback_of
from kernel.syscalls import Syscall
from kernel.task import Task as KernelTask

from .events import EventLoop
from .futures import replacement
from .tasks import Task

PENDING, CANCELLED, FINISHED = "PENDING", "CANCELLED", "FINISHED"

new_object = object.__new__


def wait_in(loop: Any) -> Any:
    """A future of `loop`, to be awaited at once. Where a task of ours runs on a loop of ours, it is an `Arrival`."""
    if type(loop) is not EventLoop or type(loop.kernel.current) is not Task or loop.kernel.unchecked is None:
        return loop.create_future()
    arrival = new_object(Arrival)  # without a call of the class: `echo-streams`
    arrival._asyncio_future_blocking = True
    arrival._loop = loop
    arrival._state = PENDING
    arrival._awaited_by = arrival._exception = arrival._listeners = arrival._task = None
    return arrival


class Arrival(Syscall[None]):
    """Its task gets an error straight from here, so the iterator that the task awaits has nothing to ask."""

    __slots__ = ("_asyncio_future_blocking", "_awaited_by", "_exception", "_listeners", "_loop", "_state", "_task")

    __class__ = asyncio.Future  # type: ignore[assignment]
    _result = None
    _source_traceback = None

    _asyncio_future_blocking: bool
    _awaited_by: set[Any] | None  # as in FutureMethods
    _exception: BaseException | None
    # The functions to call, for whoever else drives the code that reads: a task of asyncio's class, started eagerly in
    # a step of ours, or a generator.
    _listeners: list[tuple[Callable[[Any], object], Context]] | None
    _loop: EventLoop
    _state: str
    _task: Any  # the task of ours that waits; None if it is somebody else

    def __await__(self) -> Iterator[Any]:  # type: ignore[override]  # all that `await` needs
        return iter((self,))

    def execute(self, kernel: Kernel, task: KernelTask[Any]) -> bool:
        if self._task is not None:
            raise made_before(self, task)
        self._task = task
        return False

    def add_done_callback(self, fn: Callable[[Any], object], *, context: Context | None = None) -> None:
        context = copy_context() if context is None else context
        if self._state is not PENDING:
            self._loop.call_soon(fn, self, context=context)
        else:
            self._listeners = [*(self._listeners or ()), (fn, context)]

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        before = self._listeners or []
        self._listeners = [listener for listener in before if listener[0] != fn]
        return len(before) - len(self._listeners)

    def set_result(self, result: None) -> None:
        self._finish(FINISHED)

    def set_exception(self, exception: type[BaseException] | BaseException) -> None:
        if isinstance(exception, type):
            exception = exception()
        if isinstance(exception, StopIteration):
            exception = replacement(exception, self._loop)
        self._finish(FINISHED)
        self._fail(exception)

    def cancel(self, msg: Any = None) -> bool:
        if self._state is not PENDING:
            return False
        self._finish(CANCELLED)
        self._fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True

    def _finish(self, state: str) -> None:
        if self._state is not PENDING:
            raise asyncio.InvalidStateError("invalid state")
        self._state = state
        ready = self._loop.kernel.unchecked
        if self._task is None or self._listeners is not None or ready is None:
            self._tell()
        else:
            ready.append(self._task)

    def _tell(self) -> None:
        """Tell whoever waits by way of the loop, which is closed perhaps, or in debug mode."""
        if self._task is not None:
            self._loop.call_soon(self._task)
        for function, context in self._listeners or ():
            self._loop.call_soon(function, self, context=context)
        self._listeners = None

    def _fail(self, error: BaseException) -> None:
        self._exception = error
        if self._task is not None:
            self._task.error = error
            self._task.traceback = traceback_of(error)

    # What a future shows.

    def done(self) -> bool:
        return self._state is not PENDING

    def cancelled(self) -> bool:
        return self._state is CANCELLED

    def result(self) -> None:
        if self._state is PENDING:
            raise asyncio.InvalidStateError("Result is not set.")
        if self._exception is not None:
            raise self._exception

    def exception(self) -> BaseException | None:
        if self._state is PENDING:
            raise asyncio.InvalidStateError("Exception is not set.")
        if self._state is CANCELLED and self._exception is not None:
            raise self._exception
        return self._exception

    def get_loop(self) -> EventLoop:
        return self._loop

    @property
    def _callbacks(self) -> list[tuple[Any, Context]] | None:
        waits = [] if self._task is None or self._state is not PENDING else [(self._task, self._task.get_context())]
        return [*waits, *(self._listeners or ())] or None

    @property
    def _asyncio_awaited_by(self) -> frozenset[Any] | None:
        waits = [] if self._task is None or self._state is not PENDING else [self._task]
        return frozenset([*waits, *(self._awaited_by or ())]) or None

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        return f"<Future {' '.join(base_futures._future_repr_info(self))}>"  # type: ignore
