"""asyncio's handles, as the kernel runs them."""

from __future__ import annotations

import asyncio
import inspect
import sys
from asyncio import format_helpers
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from .current import swap

if TYPE_CHECKING:
    from kernel.core import Kernel

    from .events import EventLoop


extract_stack = format_helpers.extract_stack  # type: ignore[attr-defined]


format_callback: Any = format_helpers._format_callback_source  # type: ignore[attr-defined]
# Python 3.13 shows a callback's arguments, which may be secret, in debug mode only.
_ARGUMENTS_IN_DEBUG = "debug" in inspect.signature(format_callback).parameters


class Handle(asyncio.Handle):
    """A callback in the kernel's ready queue, or a descriptor's."""

    __slots__ = ()

    if TYPE_CHECKING:  # what is private to the base class, and used here
        _args: Any
        _callback: Any
        _cancelled: bool
        _context: Any
        _loop: EventLoop
        _repr: str | None
        _source_traceback: Any

    once = False  # as a descriptor's listener: told each time

    def __init__(self, callback: Any, args: Any, loop: EventLoop, context: Context | None = None) -> None:
        # What asyncio.Handle does, in one call instead of two: `call_soon` of benchmarks/facade.py shows it.
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._repr = None
        self._source_traceback = extract_stack(sys._getframe(1)) if loop._debug else None

    def run(self, kernel: Kernel) -> None:
        if self._cancelled:
            return
        if kernel.current is not None:
            kernel.current = None
            swap(self._loop, None)
        try:
            self._context.run(self._callback, *self._args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            Handle.report(self, error)
        del self  # a traceback may keep this frame, and who keeps the traceback is perhaps what is called here

    def report(self, error: BaseException) -> None:
        """Tell the loop's exception handler that the callback has failed."""
        debug = {"debug": self._loop.get_debug()} if _ARGUMENTS_IN_DEBUG else {}
        callback = format_callback(self._callback, self._args, **debug)
        context = {"message": f"Exception in callback {callback}", "exception": error, "handle": self}
        if self._source_traceback:
            context["source_traceback"] = self._source_traceback
        self._loop.call_exception_handler(context)

    def fire(self, kernel: Kernel) -> None:
        """The descriptor is ready."""
        kernel.ready.append(self)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The descriptor was closed. asyncio would not notice; the loop's owner is told."""
        if not self._cancelled:
            self._loop.call_exception_handler({"message": "A watched file descriptor was closed", "exception": error,
                                               "handle": self})


if sys.version_info >= (3, 14):

    class ThreadSafeHandle(asyncio.events._ThreadSafeHandle):  # type: ignore
        """A callback that another thread has put into the ready queue, and may cancel while it is about to run."""

        __slots__ = ()

        def run(self, kernel: Kernel) -> None:
            with self._lock:
                Handle.run(self, kernel)


class TimerHandle(asyncio.TimerHandle):
    """A callback in the kernel's timers."""

    __slots__ = ()

    if TYPE_CHECKING:
        _args: Any
        _callback: Any
        _cancelled: bool
        _context: Any
        _loop: EventLoop
        _repr: str | None
        _scheduled: bool
        _source_traceback: Any
        _when: float

    def __init__(self, when: float, callback: Any, args: Any, loop: EventLoop, context: Context | None = None) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._scheduled = False
        self._repr = None
        self._source_traceback = extract_stack(sys._getframe(1)) if loop._debug else None

    run = Handle.run

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            if self._loop._debug:
                self._repr = repr(self)
            self._callback = self._args = None
            if self._scheduled:
                self._loop.kernel.timers.forget_one()

    @property
    def dead(self) -> bool:
        return self._cancelled

    def fire(self, kernel: Kernel) -> None:
        """The deadline has come."""
        self._scheduled = False
        kernel.ready.append(self)
