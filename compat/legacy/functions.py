"""asyncio's functions, with `loop=` arguments and with generators in the place of coroutines; and `async_`."""

from __future__ import annotations

import asyncio
import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .. import gathering
from ..generators import accepted
from .arguments import Loop, all_accepted, as_if_running, ready_to_ask, warn_of_loop
from .coroutines import iscoroutine

F = TypeVar("F", bound=Callable[..., Any])
_iscoroutine = asyncio.iscoroutine


def _taking_loop(function: F, comma: str = ",") -> F:
    """`function`, a coroutine function, with a `loop` argument."""

    @functools.wraps(function)
    def wrapper(*args: Any, loop: Loop = None, **kwargs: Any) -> Any:
        warn_of_loop(loop, comma)
        return function(*args, **kwargs)

    return cast(F, wrapper)


def _serving(function: F) -> F:
    """`function`, which starts a server, with a `loop` argument. The callback for clients may be a legacy coroutine."""

    @functools.wraps(function)
    def wrapper(client_connected_cb: Any, *args: Any, loop: Loop = None, **kwargs: Any) -> Any:
        warn_of_loop(loop)

        @functools.wraps(client_connected_cb)
        def connected(*streams: Any) -> Any:
            return accepted(client_connected_cb(*streams))

        return function(connected, *args, **kwargs)

    return cast(F, wrapper)


sleep = _taking_loop(asyncio.sleep)
open_connection = _taking_loop(asyncio.open_connection)
open_unix_connection = _taking_loop(asyncio.open_unix_connection)
create_subprocess_exec = _taking_loop(asyncio.create_subprocess_exec, comma="")
create_subprocess_shell = _taking_loop(asyncio.create_subprocess_shell, comma="")
start_server = _serving(asyncio.start_server)
start_unix_server = _serving(asyncio.start_unix_server)

# asyncio's own, also after `install` has put the functions below in their places; of `gather` ours, which is quicker.
_ensure_future = asyncio.ensure_future
_run_coroutine_threadsafe = asyncio.run_coroutine_threadsafe
_wait = asyncio.wait
_as_completed = asyncio.as_completed
_create_task = asyncio.create_task
_gather = gathering.gather
_shield = asyncio.shield
_wait_for = asyncio.wait_for


@functools.wraps(_create_task)
def create_task(coro: Any, **kwargs: Any) -> Any:
    return _create_task(accepted(coro), **kwargs)


@functools.wraps(_gather)
def gather(*coros_or_futures: Any, loop: Loop = None, return_exceptions: bool = False) -> Any:
    warn_of_loop(loop)
    with as_if_running(ready_to_ask(loop)):
        return _gather(*all_accepted(coros_or_futures, loop), return_exceptions=return_exceptions)


@functools.wraps(_shield)
def shield(arg: Any, *, loop: Loop = None) -> Any:
    warn_of_loop(loop)
    ready_to_ask(loop)
    return _shield(*all_accepted([arg], loop))


@functools.wraps(_wait_for)
def wait_for(fut: Any, timeout: float | None, *, loop: Loop = None) -> Any:
    warn_of_loop(loop)
    (fut,) = all_accepted([fut], loop)
    return _wait_for(fut, timeout)


@functools.wraps(_ensure_future)
def ensure_future(coro_or_future: Any, *, loop: Loop = None) -> Any:
    return _ensure_future(accepted(coro_or_future), loop=ready_to_ask(loop))


def async_(coro_or_future: Any, *, loop: Loop = None) -> Any:
    """`ensure_future`, under its name until Python 3.4; `getattr(asyncio, "async")` is the same."""
    warnings.warn("asyncio.async() function is deprecated, use ensure_future()", DeprecationWarning, stacklevel=2)
    return ensure_future(coro_or_future, loop=loop)


@functools.wraps(_run_coroutine_threadsafe)
def run_coroutine_threadsafe(coro: Any, loop: asyncio.AbstractEventLoop) -> Any:
    return _run_coroutine_threadsafe(accepted(coro), loop)


@functools.wraps(_wait)
async def wait(fs: Any, *, loop: Loop = None, timeout: float | None = None,
               return_when: str = asyncio.ALL_COMPLETED) -> Any:
    warn_of_loop(loop)
    if not asyncio.isfuture(fs) and not _iscoroutine(fs):
        fs = set(fs)
        if any(iscoroutine(f) for f in fs):
            warnings.warn("The explicit passing of coroutine objects to asyncio.wait() is deprecated since Python 3.8, "
                          "and scheduled for removal in Python 3.11.", DeprecationWarning, stacklevel=2)
            fs = set(all_accepted(fs, loop or asyncio.get_running_loop()))
    return await _wait(fs, timeout=timeout, return_when=return_when)


@functools.wraps(_as_completed)
def as_completed(fs: Any, *, loop: Loop = None, timeout: float | None = None) -> Any:
    warn_of_loop(loop)
    if asyncio.isfuture(fs) or _iscoroutine(fs):
        return _as_completed(fs)  # type: ignore[arg-type]  # it raises the error
    if loop is None:
        return _as_completed(all_accepted(fs, loop), timeout=timeout)
    with as_if_running(loop):
        return iter(list(_as_completed(all_accepted(fs, loop), timeout=timeout)))
