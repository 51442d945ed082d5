"""What can be wrong with an argument, said at the call that was given it, and how messages name code."""

from __future__ import annotations

import math
import sys
from collections.abc import Coroutine
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import Kernel
    from .devices.protocols import Tap, Tracer


def check_seconds(value: Any, function: str) -> float:
    """`value` as a float; `TypeError` for what is not a number, `ValueError` for NaN."""
    if type(value) is float and value == value:  # nearly always: `cancel` of the benchmarks, whose tasks sleep
        return value
    if isinstance(value, str) or not hasattr(value, "__float__"):
        raise TypeError(f"{function}() takes a number of seconds, not {value!r}")
    try:
        seconds = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    if math.isnan(seconds):
        raise ValueError(f"{function}() takes a number of seconds, not NaN")
    return seconds


def check_count(value: Any, least: int, meaning: str) -> None:
    """`TypeError` for what is not an integer, `ValueError` for less than `least`; `meaning` says what is counted."""
    if not isinstance(value, int):
        raise TypeError(f"{meaning}, not {value!r}")
    if value < least:
        raise ValueError(f"{meaning}, not {value}")


def check_code(code: object, function: str) -> None:
    """Raise the `TypeError` or `ValueError` that says why `code` cannot be started, if it cannot."""
    if isinstance(code, CoroutineType):
        finished, started = code.cr_frame is None, code.cr_running or code.cr_suspended
    elif isinstance(code, GeneratorType):
        finished, started = code.gi_frame is None, code.gi_running or code.gi_suspended
    elif isinstance(code, Coroutine):
        return  # compiled by Cython or the like
    elif callable(code):
        name = getattr(code, "__qualname__", repr(code))
        raise TypeError(f"{function}() was given {name} itself; call it: {function}({name}(...))")
    elif isinstance(code, AsyncGeneratorType):
        raise TypeError(f"{function}() was given the async generator {code!r}; loop over it with 'async for' in a task")
    else:
        raise TypeError(f"{function}() takes a coroutine or a generator, not {code!r}")
    if finished or started:
        raise ValueError(f"{function}() was given {code!r}, which has already {'finished' if finished else 'started'}; "
                         f"make a new one by calling {code.__qualname__}(...) again")


def running_event_loop() -> Any:
    """The event loop of asyncio's kind that runs in this thread, if one does.

    asyncio is told of every loop of its kind that runs. Where it has not been imported, or another thread is just about
    to, there is none.
    """
    return getattr(sys.modules.get("asyncio.events"), "_get_running_loop", lambda: None)()


def check_no_event_loop(code: Any) -> None:
    """Raise `RuntimeError`, and close `code`, where an event loop runs in this thread: a kernel would block it."""
    loop = running_event_loop()
    if loop is not None:
        code.close()
        raise RuntimeError(f"run() was called inside the running event loop {loop!r}, which it would block; "
                           "use 'await asyncio.to_thread(kernel.run, ...)', or on a loop of compat's just 'await ...'")


def check_tracer(observer: object) -> None:
    """Raise the `TypeError` that says what an observer has to be, if `observer` is none."""
    if isinstance(observer, type) or observer is not None and not callable(getattr(observer, "attach_to", None)):
        raise TypeError(f"observer= takes an instance of a class derived from kernel.Observer, not {observer!r}")


def attach_tracers(kernel: Kernel, observer: Tracer | None) -> Tap | None:
    """Have `observer` watch `kernel`, which is being made, and whoever watches all kernels. Return the tap, if any."""
    check_tracer(observer)
    kernel.tap = None
    for tracer in observer, kernel.tracer:
        if tracer is not None:
            kernel.tap = tracer.attach_to(kernel)
    return kernel.tap


def check_descriptor(fd: Any, function: str) -> int:
    """The number of `fd`, a file descriptor or an object with `fileno()`."""
    number = fd if isinstance(fd, int) else fd.fileno() if hasattr(fd, "fileno") else None
    if not isinstance(number, int):
        raise TypeError(f"{function}() takes a file descriptor or an object with fileno(), not {fd!r}")
    if number < 0:
        raise ValueError(f"{function}() was given the closed or invalid descriptor {fd!r}")
    return number


def code_name(code: object) -> str:
    """What to call `code` in a message."""
    return getattr(code, "__qualname__", "") or type(code).__qualname__


def show_code(code: object) -> str:
    """`code` as its maker wrote it, but for the arguments: "work(...)"."""
    return f"{code_name(code)}(...)"


def made_before(request: object, task: object) -> RuntimeError:
    """The error of a request that can be made once, and that `task` makes again."""
    return RuntimeError(f"{task} made the request {request}, which was made before; make a new one")


def close_unstarted(code: object) -> None:
    """Close `code`, which will not be run; else the interpreter would warn that it was never awaited."""
    if hasattr(code, "close"):
        code.close()
