"""Who waits for whom: what `asyncio.capture_call_graph` of Python 3.14 and later asks of futures and tasks.

That a task awaits a future is seen from the future's waiters. That it waits in `gather`, `wait`, `shield` or a TaskGroup
is told to asyncio by functions that know the C classes alone; so they are replaced by these, which know ours as well.
"""

from __future__ import annotations

import asyncio
from asyncio import futures
from typing import Any

from kernel.syscalls import Syscall

_add: Any = futures.future_add_to_awaited_by  # type: ignore[attr-defined]  # as asyncio has them
_discard: Any = futures.future_discard_from_awaited_by  # type: ignore[attr-defined]


def future_add_to_awaited_by(future: Any, waiter: Any, /) -> None:
    """Note that `waiter` waits for `future`; nothing when either is no future of a known class."""
    ours = isinstance(future, Syscall)
    if not ours:
        _add(future, waiter)
    elif isinstance(waiter, asyncio.Future):
        if not future._awaited_by:
            future._awaited_by = set()
        future._awaited_by.add(waiter)


def future_discard_from_awaited_by(future: Any, waiter: Any, /) -> None:
    """Note that `waiter` does not wait for `future` any more."""
    ours = isinstance(future, Syscall)
    if not ours:
        _discard(future, waiter)
    elif future._awaited_by:
        future._awaited_by.discard(waiter)


def use_ours() -> None:
    """Have asyncio, which imports these functions in several modules, use ours everywhere."""
    for function in future_add_to_awaited_by, future_discard_from_awaited_by:
        for owner in asyncio, futures:
            setattr(owner, function.__name__, function)
