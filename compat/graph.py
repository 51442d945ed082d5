"""Who waits for whom: what `asyncio.capture_call_graph` of Python 3.14 and later asks of futures and tasks.

A future has a list of its waiters, which shows the tasks that await it. `gather`, `wait`, `shield` and `TaskGroup` wait
in another way: they tell asyncio by two functions, which know asyncio's C classes only. The two functions here take
their places. They know our classes as well.
"""

from __future__ import annotations

import asyncio
from asyncio import futures
from typing import Any

from kernel.syscalls import Syscall

_add: Any = futures.future_add_to_awaited_by  # type: ignore[attr-defined]  # as asyncio has them
_discard: Any = futures.future_discard_from_awaited_by  # type: ignore[attr-defined]


def future_add_to_awaited_by(future: Any, waiter: Any, /) -> None:
    """Note that `waiter` waits for `future`. Do nothing when one of the two is no future of a known class."""
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
