"""What asyncio has dropped since Python 3.4, as the last Python that had it did it, warning included.

Legacy coroutines (`@coroutine` and `yield from`), plain generators wherever a coroutine is accepted, `loop=` arguments,
`wait()` given coroutines, `with (yield from lock)`, `async_`, `JoinableQueue`; `Task.all_tasks()` and
`Task.current_task()` are in `tasks.py`, and `get_event_loop()` in `runners.py`. Each name here stands in for asyncio's
of the same name and is that, but for the old ways. Facts are from the sources of Python 3.4 to 3.10.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import types
import warnings
from asyncio import coroutines
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..current_loop import get_event_loop
from ..tasks import Task

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_iscoroutine = asyncio.iscoroutine

Loop = asyncio.AbstractEventLoop | None

__all__ = ["BoundedSemaphore", "Condition", "Event", "JoinableQueue", "LifoQueue", "Lock", "PriorityQueue", "Queue",
           "Semaphore", "Task", "as_completed", "async_", "coroutine", "create_subprocess_exec",
           "create_subprocess_shell", "create_task", "ensure_future", "gather", "iscoroutine", "open_connection",
           "open_unix_connection", "run_coroutine_threadsafe", "shield", "sleep", "start_server", "start_unix_server",
           "wait", "wait_for"]


def coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a generator function as a coroutine function: its generators can be awaited, and `yield from` coroutines.

    As `asyncio.coroutine` of Python 3.4 to 3.10: an `async def` function is returned as it is, and a function that
    returns a future or another awaitable becomes a coroutine function that waits for it.
    """
    warnings.warn('"@coroutine" decorator is deprecated since Python 3.8, use "async def" instead', DeprecationWarning,
                  stacklevel=2)
    if inspect.iscoroutinefunction(function):
        return function
    if inspect.isgeneratorfunction(function):
        return _marked(types.coroutine(function))

    @functools.wraps(function)
    def generator_function(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        result = function(*args, **kwargs)
        if inspect.isgenerator(result):
            result = yield from result
        elif inspect.isawaitable(result):
            result = yield from result.__await__()
        return result

    return _marked(types.coroutine(generator_function))


def _marked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have `asyncio.iscoroutinefunction` say yes."""
    function._is_coroutine = getattr(coroutines, "_is_coroutine", True)  # type: ignore[attr-defined]
    return function


def iscoroutine(obj: object) -> bool:
    """Whether `obj` can be run as a coroutine; true of any generator, as it was until Python 3.11."""
    return isinstance(obj, types.GeneratorType) or _iscoroutine(obj)


@types.coroutine
def _delegate(generator: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    return (yield from generator)


async def _drive(generator: Generator[Any, Any, T]) -> T:
    return await _delegate(generator)


def accepted(arg: Any) -> Any:
    """`arg`, with a generator turned into the coroutine it stands for."""
    if not isinstance(arg, types.GeneratorType):
        return arg
    driver: Any = _drive(arg)
    driver.__name__, driver.__qualname__ = arg.__name__, arg.__qualname__
    return driver


def _all_accepted(args: Iterable[Any], loop: Loop) -> list[Any]:
    """The same for many, each once though it may be mentioned twice; tasks of `loop` are made of them if it is given."""
    args = list(args)
    made = {id(arg): accepted(arg) for arg in args}
    if loop is not None:
        made = {key: loop.create_task(arg) if _iscoroutine(arg) else arg for key, arg in made.items()}
    return [made[id(arg)] for arg in args]


def _warn_of_loop(loop: Loop, comma: str = ",") -> None:
    if loop is not None:
        warnings.warn(f"The loop argument is deprecated since Python 3.8{comma} and scheduled for removal in "
                      f"Python 3.10.", DeprecationWarning, stacklevel=3)


def _ready_to_ask(loop: Loop) -> Loop:
    """The loop that the function called next will find when it asks asyncio for one; ours, when none is there yet."""
    if loop is None and asyncio._get_running_loop() is None:
        get_event_loop()
    return loop


@contextmanager
def _as_if_running(loop: Loop) -> Iterator[None]:
    """Have asyncio's functions find `loop`, if it is given and none is running."""
    if loop is None or asyncio._get_running_loop() is not None:
        yield
        return
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)


def _taking_loop(function: F, comma: str = ",") -> F:
    """`function`, a coroutine function, which takes a `loop` argument as well."""

    @functools.wraps(function)
    def wrapper(*args: Any, loop: Loop = None, **kwargs: Any) -> Any:
        _warn_of_loop(loop, comma)
        return function(*args, **kwargs)

    return cast(F, wrapper)


def _serving(function: F) -> F:
    """`function`, which starts a server, with a `loop` argument and legacy coroutines for the clients."""

    @functools.wraps(function)
    def wrapper(client_connected_cb: Any, *args: Any, loop: Loop = None, **kwargs: Any) -> Any:
        _warn_of_loop(loop)

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

# What is called below under these names must stay asyncio's own when `install` has put ours in its place.
_ensure_future = asyncio.ensure_future
_run_coroutine_threadsafe = asyncio.run_coroutine_threadsafe
_wait = asyncio.wait
_as_completed = asyncio.as_completed
_create_task = asyncio.create_task
_gather = asyncio.gather
_shield = asyncio.shield
_wait_for = asyncio.wait_for


@functools.wraps(_create_task)
def create_task(coro: Any, **kwargs: Any) -> Any:
    return _create_task(accepted(coro), **kwargs)


@functools.wraps(_gather)
def gather(*coros_or_futures: Any, loop: Loop = None, return_exceptions: bool = False) -> Any:
    _warn_of_loop(loop)
    with _as_if_running(_ready_to_ask(loop)):
        return _gather(*_all_accepted(coros_or_futures, loop), return_exceptions=return_exceptions)


@functools.wraps(_shield)
def shield(arg: Any, *, loop: Loop = None) -> Any:
    _warn_of_loop(loop)
    _ready_to_ask(loop)
    return _shield(*_all_accepted([arg], loop))


@functools.wraps(_wait_for)
def wait_for(fut: Any, timeout: float | None, *, loop: Loop = None) -> Any:
    _warn_of_loop(loop)
    (fut,) = _all_accepted([fut], loop)
    return _wait_for(fut, timeout)


@functools.wraps(_ensure_future)
def ensure_future(coro_or_future: Any, *, loop: Loop = None) -> Any:
    return _ensure_future(accepted(coro_or_future), loop=_ready_to_ask(loop))


def async_(coro_or_future: Any, *, loop: Loop = None) -> Any:
    """`ensure_future`, by its name until Python 3.4; also there as `getattr(asyncio, "async")`."""
    warnings.warn("asyncio.async() function is deprecated, use ensure_future()", DeprecationWarning, stacklevel=2)
    return ensure_future(coro_or_future, loop=loop)


@functools.wraps(_run_coroutine_threadsafe)
def run_coroutine_threadsafe(coro: Any, loop: asyncio.AbstractEventLoop) -> Any:
    return _run_coroutine_threadsafe(accepted(coro), loop)


@functools.wraps(_wait)
async def wait(fs: Any, *, loop: Loop = None, timeout: float | None = None,
               return_when: str = asyncio.ALL_COMPLETED) -> Any:
    _warn_of_loop(loop)
    if not asyncio.isfuture(fs) and not _iscoroutine(fs):
        fs = set(fs)
        if any(iscoroutine(f) for f in fs):
            warnings.warn("The explicit passing of coroutine objects to asyncio.wait() is deprecated since Python 3.8, "
                          "and scheduled for removal in Python 3.11.", DeprecationWarning, stacklevel=2)
            fs = set(_all_accepted(fs, loop or asyncio.get_running_loop()))
    return await _wait(fs, timeout=timeout, return_when=return_when)


@functools.wraps(_as_completed)
def as_completed(fs: Any, *, loop: Loop = None, timeout: float | None = None) -> Any:
    _warn_of_loop(loop)
    if asyncio.isfuture(fs) or _iscoroutine(fs):
        return _as_completed(fs)  # type: ignore[arg-type]  # which says what is wrong with it
    if loop is None:
        return _as_completed(_all_accepted(fs, loop), timeout=timeout)
    with _as_if_running(loop):
        return iter(list(_as_completed(_all_accepted(fs, loop), timeout=timeout)))


class LoopArgument:
    """Takes a `loop` argument, in front of a class of asyncio's that has lost it."""

    def __init__(self, *args: Any, loop: Loop = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if loop is not None:
            _warn_of_loop(loop)
            self._loop = loop


class YieldFrom(LoopArgument):
    """`with (yield from lock)` and `with await lock`."""

    if TYPE_CHECKING:
        acquire: Any
        release: Any

    def __enter__(self) -> None:
        raise RuntimeError('"yield from" should be used as context manager expression')

    def __exit__(self, *exc_info: object) -> None:
        """Here because the `with` statement looks for it before it calls `__enter__`, which tells more."""

    @types.coroutine
    def __iter__(self) -> Generator[Any, Any, Held]:
        warnings.warn("'with (yield from lock)' is deprecated use 'async with lock' instead", DeprecationWarning,
                      stacklevel=2)
        yield from self.acquire().__await__()
        return Held(self)

    def __await__(self) -> Generator[Any, Any, Held]:
        warnings.warn("'with await lock' is deprecated use 'async with lock' instead", DeprecationWarning, stacklevel=2)
        yield from self.acquire().__await__()
        return Held(self)


class Held:
    """A lock that has been acquired, to be released by the `with` statement, once."""

    def __init__(self, lock: YieldFrom) -> None:
        self._release: Callable[[], None] | None = lock.release

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc_info: object) -> None:
        release, self._release = self._release, None
        assert release is not None, "a lock is released once"
        release()


class Lock(YieldFrom, asyncio.Lock):  # type: ignore[misc]
    __doc__ = asyncio.Lock.__doc__


class Condition(YieldFrom, asyncio.Condition):  # type: ignore[misc]
    __doc__ = asyncio.Condition.__doc__


class Semaphore(YieldFrom, asyncio.Semaphore):  # type: ignore[misc]
    __doc__ = asyncio.Semaphore.__doc__


class BoundedSemaphore(YieldFrom, asyncio.BoundedSemaphore):  # type: ignore[misc]
    __doc__ = asyncio.BoundedSemaphore.__doc__


class Event(LoopArgument, asyncio.Event):
    __doc__ = asyncio.Event.__doc__


class Queue(LoopArgument, asyncio.Queue[T]):
    __doc__ = asyncio.Queue.__doc__


class PriorityQueue(LoopArgument, asyncio.PriorityQueue[T]):  # type: ignore[type-var]
    __doc__ = asyncio.PriorityQueue.__doc__


class LifoQueue(LoopArgument, asyncio.LifoQueue[T]):
    __doc__ = asyncio.LifoQueue.__doc__


JoinableQueue = Queue  # by its name until Python 3.4
