"""asyncio's handles, as the kernel runs them."""

from __future__ import annotations

import asyncio
import sys
from asyncio import format_helpers
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from kernel.core import Kernel
from kernel.devices.protocols import Protocol

from .current import leave

extract_stack = format_helpers.extract_stack  # type: ignore[attr-defined]
format_callback: Any = format_helpers._format_callback_source  # type: ignore[attr-defined]
# Python 3.13 shows a callback's arguments, which may be secret, in debug mode only.
_ARGUMENTS_IN_DEBUG = "debug" in format_callback.__code__.co_varnames


# Quicker than `context.run`, since Python makes a bound method for a call with `*args`: `call-soon` of the benchmarks.
run_in: Any = Context.run


class Handle(asyncio.Handle):
    """A callback in the kernel's ready queue, or the callback of a descriptor.

    It sets fewer attributes than asyncio's handle does: a cancelled one has no arguments, and a `DebugHandle` keeps
    what asyncio keeps in debug mode only. `call-soon` of the benchmarks shows what that saves.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # what is private to the base class, and used here
        _args: Any
        _callback: Any
        _context: Any
        _loop: asyncio.AbstractEventLoop

    _repr: str | None = None
    _source_traceback: Any = None
    once = False  # as a descriptor's listener: told each time
    endpoint = None

    def __init__(self, callback: Any, args: Any, loop: asyncio.AbstractEventLoop,
                 context: Context | None = None) -> None:
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context

    @property
    def _cancelled(self) -> bool:  # type: ignore[override]  # nobody sets it
        return self._args is None

    def cancelled(self) -> bool:
        return self._args is None

    def cancel(self) -> None:
        self._callback = self._args = None

    def run(self, kernel: Kernel) -> None:
        args = self._args
        if args is None:
            return
        if kernel.current is not None:
            kernel.current = None
            leave(self._loop, None)
        try:
            if args:
                run_in(self._context, self._callback, *args)
            else:  # quicker: `call-soon` and `echo-protocol` of the benchmarks
                self._context.run(self._callback)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            Handle.report(self, error)
        del self, args  # a traceback may keep this frame, and what is called here may keep the traceback

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
        """The descriptor was closed. asyncio would not notice that. This tells the loop's exception handler."""
        if not self._cancelled:
            self._loop.call_exception_handler({"message": "A watched file descriptor was closed", "exception": error,
                                               "handle": self})


class Traced:
    """Put in front of a handle class, in debug mode: where the handle was made, and how it looked when cancelled."""

    if not TYPE_CHECKING:  # the checker does not see the slots of the subclasses here
        __slots__ = ()

    _args: Any
    _repr: str | None
    _source_traceback: Any

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)  # type: ignore[call-arg]  # of the handle
        self._repr = None
        self._source_traceback = extract_stack(sys._getframe(1))

    def cancel(self) -> None:
        if self._args is not None:
            self._repr = repr(self)
        super().cancel()  # type: ignore[misc]  # of the handle


class DebugHandle(Traced, Handle):
    __slots__ = ()
    __class__ = Handle  # type: ignore[assignment]  # the name that its repr shows

    _source_traceback = asyncio.Handle._source_traceback  # type: ignore[attr-defined]  # slots that `Handle` hides
    _repr = asyncio.Handle._repr  # type: ignore[attr-defined]


if sys.version_info >= (3, 14):

    class ThreadSafeHandle(asyncio.events._ThreadSafeHandle):  # type: ignore
        """A callback that another thread has put into the ready queue, and may cancel just when it runs."""

        __slots__ = ()

        def run(self, kernel: Kernel) -> None:
            with self._lock:
                Handle.run(self, kernel)


class HasKernel(Protocol):
    """What a timer asks of its event loop."""

    @property
    def kernel(self) -> Kernel: ...


class TimerHandle:
    """A callback in the kernel's timers. `isinstance` takes it for asyncio's `TimerHandle`, which has three more slots.

    `idle-timer` and `idle-task` of the benchmarks show what that saves.
    """

    __slots__ = ("__weakref__", "_args", "_callback", "_context", "_loop", "_when", "dead")
    __class__ = asyncio.TimerHandle  # type: ignore[assignment]

    _repr: str | None = None
    _source_traceback: Any = None

    def __init__(self, when: float, callback: Any, args: Any, loop: HasKernel, context: Context | None = None) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self.dead: bool | None = None

    # As asyncio has them.
    when = asyncio.TimerHandle.when
    __eq__, __hash__ = asyncio.TimerHandle.__eq__, asyncio.TimerHandle.__hash__
    __lt__, __le__ = asyncio.TimerHandle.__lt__, asyncio.TimerHandle.__le__
    __gt__, __ge__ = asyncio.TimerHandle.__gt__, asyncio.TimerHandle.__ge__
    __repr__, _run = asyncio.TimerHandle.__repr__, asyncio.TimerHandle._run
    _repr_info = asyncio.TimerHandle._repr_info  # type: ignore[attr-defined]

    def get_context(self) -> Context:
        return self._context  # type: ignore[no-any-return]

    _cancelled = property(lambda self: self._args is None)
    _scheduled = property(lambda self: not self.dead)
    cancelled = Handle.cancelled
    run = Handle.run

    def cancel(self) -> None:
        if self._args is not None:
            self._callback = self._args = None
            self._loop.kernel.timers.cancel(self)

    def fire(self, kernel: Kernel) -> None:
        """The deadline has come."""
        kernel.ready.append(self)


class DebugTimerHandle(Traced, TimerHandle):
    __slots__ = ("_repr", "_source_traceback")  # type: ignore[misc]  # attributes of the base class
