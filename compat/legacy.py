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
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .tasks import Task

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


def accepted(arg: Any, loop: Loop = None) -> Any:
    """`arg` with a generator turned into the coroutine it stands for, and that into a task of `loop` if given."""
    if isinstance(arg, types.GeneratorType):
        driver: Any = _drive(arg)
        driver.__name__, driver.__qualname__ = arg.__name__, arg.__qualname__
        arg = driver
    return arg if loop is None or not _iscoroutine(arg) else loop.create_task(arg)


def _warn_of_loop(loop: Loop) -> None:
    if loop is not None:
        warnings.warn("The loop argument is deprecated since Python 3.8, and scheduled for removal in Python 3.10.",
                      DeprecationWarning, stacklevel=3)


def _accepting(function: F) -> F:
    """`function`, which takes generators for coroutines and a `loop` argument as well."""

    @functools.wraps(function)
    def wrapper(*args: Any, loop: Loop = None, **kwargs: Any) -> Any:
        _warn_of_loop(loop)
        return function(*[accepted(arg, loop) for arg in args], **kwargs)

    return cast(F, wrapper)


gather = _accepting(asyncio.gather)
shield = _accepting(asyncio.shield)
sleep = _accepting(asyncio.sleep)
wait_for = _accepting(asyncio.wait_for)
open_connection = _accepting(asyncio.open_connection)
start_server = _accepting(asyncio.start_server)
open_unix_connection = _accepting(asyncio.open_unix_connection)
start_unix_server = _accepting(asyncio.start_unix_server)
create_subprocess_exec = _accepting(asyncio.create_subprocess_exec)
create_subprocess_shell = _accepting(asyncio.create_subprocess_shell)
create_task = _accepting(asyncio.create_task)


# What is called below under these names must stay asyncio's own when `install` has put ours in its place.
_ensure_future = asyncio.ensure_future
_run_coroutine_threadsafe = asyncio.run_coroutine_threadsafe
_wait = asyncio.wait
_as_completed = asyncio.as_completed


@functools.wraps(_ensure_future)
def ensure_future(coro_or_future: Any, *, loop: Loop = None) -> Any:
    return _ensure_future(accepted(coro_or_future), loop=loop)


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
            fs = {accepted(f, loop or asyncio.get_running_loop()) for f in fs}
    return await _wait(fs, timeout=timeout, return_when=return_when)


@functools.wraps(_as_completed)
def as_completed(fs: Any, *, loop: Loop = None, timeout: float | None = None) -> Any:
    _warn_of_loop(loop)
    if asyncio.isfuture(fs) or _iscoroutine(fs):
        return _as_completed(fs)  # type: ignore[arg-type]  # which says what is wrong with it
    return _as_completed([accepted(f, loop) for f in fs], timeout=timeout)


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
