"""Tasks that wait although what they wait for is free: a lock that nobody holds, an item in the queue.

A lock is handed on by whoever releases it. Where that is forgotten, the lock is free and its next owner sleeps on.
While any task is ready this means nothing, since the wake-up may still be under way. When nothing is ready it is
certain: every primitive of the kernel's and of asyncio's wakes its next waiter in the step that makes it free.

This is asked whenever virtual time is about to pass, so it has to be quick. A native request holds the state of what it
waits for. A future of asyncio's says nothing, but the coroutine that awaits it does: its code tells whether it is
`Lock.acquire` or the like, and only then is its frame looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from types import CodeType, CoroutineType
from typing import Any, NamedTuple

from ..core import Kernel
from ..insight.names import label
from ..insight.requests import frames, has_frame, program_place, text_of
from ..sync.barriers import BarrierWait
from ..sync.events import EventWait
from ..sync.groups import Join
from ..sync.locks import Acquire
from ..sync.queues import Get, JoinQueue, Put
from ..sync.semaphores import AcquireSemaphore
from ..sync.universal_queues import Transfer
from ..task import Task
from ..waitable import Waitable

# Says why what is waited for is free; None where it is not. It is given a native request, or an object of asyncio's.
Reason = Callable[[Any], str | None]


class FreeWait(NamedTuple):
    """A task that nothing will wake, since what it waits for is free already."""

    task: Task[Any]
    waits_for: str
    place: str  # where the program waits: "main.py:12 in main"
    why: str

    def __str__(self) -> str:
        return f"{label(self.task)} waits for {self.waits_for} at {self.place}, although {self.why}"


def free_waits(kernel: Kernel) -> list[FreeWait]:
    """The tasks of `kernel` that wait for what is free; none while anything is ready or a call is to be made.

    To be called in the kernel's thread between two steps. Methods of a program's own locks and queues are called where
    these are derived from asyncio's: `locked`, `is_set`, `empty` and `full`.
    """
    if kernel.ready or kernel.calls.waiting:
        return []
    found = []
    for task in kernel.everyone():
        request = task.blocked_on
        if request is None:
            continue
        reason = _reason_of(type(request))  # type: ignore[arg-type]  # a type has a hash
        if reason is not None:
            if (why := reason(request)) is None and reason is _future:
                why = _of_caller(task)
            if why is not None:
                found.append(FreeWait(task, text_of(task, request), program_place(task), why))
    return found


# Native requests


def _lock(request: Acquire) -> str | None:
    owner = request.owner
    if owner is None:
        return "nobody holds it"
    return f"{label(owner)} has ended without releasing it, and no other task can" if owner.done() else None


def _left(value: int) -> str | None:
    return f"it has {value} left" if value > 0 else None


def _transfer(request: Transfer[Any]) -> str | None:
    queue, party = request.queue, request.party
    if next(iter(queue.line(party)), None) is not party:
        return None  # its turn has not come; the first in the line may be a task of another kernel, or a thread
    if queue.closed:
        return "it is closed"
    if party.getting:
        return "there is an item" if queue.qsize() else None
    return "there is room" if queue.qsize() < queue.maxsize else None


_REASONS: dict[type, Reason] = {
    Acquire: _lock,
    AcquireSemaphore: lambda wait: _left(wait.value),
    EventWait: lambda wait: "it is set" if wait.happened else None,
    BarrierWait: lambda wait: "all its parties have come" if len(wait.waiters) >= wait.parties else None,
    Get: lambda wait: "there is an item" if wait.contents.items else "it is closed" if wait.contents.closed else None,
    Put: lambda wait: "it is closed" if wait.contents.closed else None if wait.contents.full() else "there is room",
    JoinQueue: lambda wait: None if wait.contents.unfinished else "every item is done",
    Transfer: _transfer,
    Join: lambda wait: None if wait.group.children or wait.group.cancelled and wait.group.daemons else
    "all its tasks have ended",
    Waitable: lambda wait: "it is done" if wait.done() else None,
}


# asyncio's futures


def _future(request: Any) -> str | None:
    return "it is done" if request.done() else None


def _foreign(request: Any) -> str | None:
    """The kernel's stand-in for a future of another make."""
    return _future(request.future)


@lru_cache(256)
def _reason_of(kind: type) -> Reason | None:
    for base in kind.__mro__:
        if base in _REASONS:
            return _REASONS[base]
    if hasattr(kind, "_asyncio_future_blocking"):
        return _future
    return _foreign if (kind.__module__, kind.__name__) == ("compat.tasks", "ForeignWait") else None


def _of_caller(task: Task[Any]) -> str | None:
    """Why what `task` waits for by way of a future is free: if the innermost of its coroutines is of `_METHODS`."""
    code: Any = task.code
    while type(code) is CoroutineType:
        awaited = code.cr_await
        if type(awaited) is not CoroutineType and not has_frame(type(awaited)):
            reason = _reasons_by_code().get(code.cr_code)
            return None if reason is None else reason(_self_of(code.cr_frame))
        code = awaited
    frame = frames(task)[-1]  # through a generator, or an object that Python awaits in the place of a coroutine
    reason = _reasons_by_code().get(frame.f_code)
    return None if reason is None else reason(_self_of(frame))


def _self_of(frame: Any) -> Any:
    return frame.f_locals["self"]


# For the methods of asyncio in which tasks wait: the same question as their own loops ask, of the object that has them.
_METHODS: dict[tuple[str, str, str], Reason] = {
    ("asyncio.locks", "Lock", "acquire"): lambda lock: None if lock.locked() else "nobody holds it",
    ("asyncio.locks", "Semaphore", "acquire"): lambda semaphore: _left(semaphore._value),  # `locked` counts waiters
    ("asyncio.locks", "Event", "wait"): lambda event: "it is set" if event.is_set() else None,
    ("asyncio.queues", "Queue", "get"): lambda queue: _shut(queue) if queue.empty() else "there is an item",
    ("asyncio.queues", "Queue", "put"): lambda queue: _shut(queue) if queue.full() else "there is room",
}


def _shut(queue: Any) -> str | None:
    return "it is shut down" if getattr(queue, "_is_shutdown", False) else None


@cache
def _reasons_by_code() -> dict[CodeType, Reason]:
    """The same by the code of the methods: asyncio is there, since somebody waits for a future of its kind."""
    return {getattr(getattr(sys.modules[module], kind), method).__code__: reason
            for (module, kind, method), reason in _METHODS.items()}
