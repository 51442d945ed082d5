"""asyncio's locks and events, with `loop=` arguments and with `with (yield from lock)`."""

from __future__ import annotations

import asyncio
import types
import warnings
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from .arguments import LoopArgument


class YieldFrom(LoopArgument):
    """`with (yield from lock)` and `with await lock`."""

    if TYPE_CHECKING:
        acquire: Any
        release: Any

    def __enter__(self) -> None:
        raise RuntimeError('"yield from" should be used as context manager expression')

    def __exit__(self, *exc_info: object) -> None:
        """Never called. `with` looks for it before it calls `__enter__`, which raises the error that tells more."""

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
    """A lock that has been acquired. The `with` statement releases it, once."""

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
