"""Lost wake-ups: tasks that wait although what they wait for is free, as a lock that nobody holds.

A lock is handed on by whoever releases it. Where that is forgotten, the lock is free and its next owner sleeps on.
While any task is ready this means nothing, since the wake-up may still be under way. When nothing is ready it is
certain: every primitive of the kernel's and of asyncio's wakes its next waiter in the step that makes it free.

A native request holds the state of what it waits for. A future of asyncio's says nothing, but the coroutine that awaits
it does: its code tells whether it is `Lock.acquire` or the like. A simulation asks this whenever time is about to pass,
and a snapshot asks it for each of 10,000 tasks. So the type of the request and the code decide by one look-up each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache, partial
from types import CodeType, CoroutineType, FrameType
from typing import Any, NamedTuple

from ..core import Kernel
from ..sync.barriers import BarrierWait
from ..sync.events import EventWait
from ..sync.groups import Join
from ..sync.locks import Acquire
from ..sync.queues import Get, JoinQueue, Put
from ..sync.semaphores import AcquireSemaphore
from ..sync.universal_queues import Transfer
from ..task import Task
from ..waitable import Waitable
from .names import label
from .requests import frames, has_frame, program_place, text_of

# Says why what is waited for is free; None where it is not. It is given a native request, or an object of asyncio's.
Reason = Callable[[Any], str | None]
DONE = "it is done"


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

    To be called in the kernel's thread between two steps.
    """
    if kernel.ready or kernel.calls.waiting:
        return []
    return [FreeWait(task, text_of(task, task.blocked_on), program_place(task), why) for task in kernel.everyone()
            if task.blocked_on is not None and (why := why_free(task.blocked_on, partial(innermost, task))) is not None]


def why_free(request: Any, innermost: Callable[[], FrameType]) -> str | None:
    """Why that for which a task waits by its `request` is free; None where it is not, or nothing is known of it.

    It means something only while nothing is ready and no call is to be made. `innermost` gives the innermost frame of the
    task's code. Methods of a program's own locks and queues are called where these are derived from asyncio's: `locked`,
    `is_set`, `empty` and `full`.
    """
    reason = _reason_of(type(request))  # type: ignore[arg-type]  # a type has a hash
    if reason is None:
        return None
    why = asked(reason, request)
    return why_free_in_call(innermost()) if why is None and reason is _future else why


def why_free_in_call(frame: FrameType) -> str | None:
    """The same of a task that waits for a future: by the object whose method `frame` is, if that is one of asyncio's."""
    reason = _reasons_by_code().get(frame.f_code)
    return None if reason is None else asked(reason, frame.f_locals["self"])


def asked(reason: Reason, thing: Any) -> str | None:
    """What a reason says; nothing where a method of the program's fails that it calls."""
    try:
        return reason(thing)
    except Exception:
        return None


def innermost(task: Task[Any]) -> FrameType:
    """The innermost frame of the code of `task`, in half of the time that `frames` takes for all of them."""
    code: Any = task.code
    while type(code) is CoroutineType:
        awaited = code.cr_await
        if type(awaited) is not CoroutineType and not has_frame(type(awaited)):
            return code.cr_frame  # type: ignore[return-value]  # it is suspended, so it has one
        code = awaited
    return frames(task)[-1]  # through a generator, or an object that Python awaits in the place of a coroutine


# Native requests


def _lock(request: Acquire) -> str | None:
    owner = request.owner
    if owner is None:
        return "nobody holds it"
    return "its holder has ended" if owner.done() else None  # no other task can release it


def _left(value: int) -> str | None:
    return f"it has {value} left" if value > 0 else None


def _transfer(request: Transfer[Any]) -> str | None:
    queue, party = request.queue, request.party
    if not queue.mutex.acquire(blocking=False):
        return None  # a thread uses it just now
    try:
        called = party.task is None or party.task.kernel.calls.waiting  # perhaps by a thread, a moment ago
        if called or next(iter(queue.line(party)), None) is not party:
            return None  # its turn has not come; the first in the line may be a task of another kernel, or a thread
        if queue.closed:
            return "it is closed"
        if party.getting:
            return "there is an item" if queue.qsize() else None
        return "there is room" if queue.qsize() < queue.maxsize else None
    finally:
        queue.mutex.release()


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
    Waitable: lambda wait: DONE if wait.done() else None,
}


# asyncio's futures


def _future(request: Any) -> str | None:
    return DONE if request.done() else None


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
