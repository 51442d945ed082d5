"""Watching a kernel at work.

Two objects tell the observer: one stands in for the context of each task, through which every step goes, and one for
the ready queue. A kernel without an observer has neither of them, and pays nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextvars import Context
from typing import Any

from ..core import Kernel
from ..devices import ReadyQueue
from ..failures import answered_twice
from ..syscalls import Syscall
from ..task import Task



class Observer:
    """Told of what the kernel does, in its thread, between steps; override what is of interest.

    An exception from here is reported to the kernel's exception hook and does no other harm.
    """

    def spawn(self, task: Task[Any]) -> None:
        """`task` was made and is ready."""

    def resume(self, task: Task[Any]) -> None:
        """`task` is about to run."""

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        """`task` has made `request`."""

    def block(self, task: Task[Any], request: Syscall[Any]) -> None:
        """`request` could not be answered at once: `task` waits."""

    def wake(self, task: Task[Any]) -> None:
        """The wait of `task` is over: it is ready, or, notified of a condition, goes on to wait for the lock."""

    def exit(self, task: Task[Any]) -> None:
        """`task` is done."""

    def trace(self, kernel: Kernel) -> Watch:
        """Begin to watch `kernel`: what `Kernel(observer=...)` calls, once."""
        return Watch(kernel, self)


class Watch:
    """What connects a kernel to its observer: it stands between the kernel, its ready queue and its tasks."""

    def __init__(self, kernel: Kernel, observer: Observer) -> None:
        self.kernel: Kernel = weakref.proxy(kernel)  # which holds this
        self.blocked: set[Task[Any]] = set()
        self._observer = observer
        kernel.ready = TappedQueue(kernel.ready, self)

    def attach(self, task: Task[Any]) -> None:
        task.context = TappedContext(task.context, task, self)  # type: ignore[assignment]  # stands in for it
        self.tell("spawn", task)

    def ended(self, task: Task[Any]) -> None:
        self.tell("exit", task)

    def moved(self, task: Task[Any]) -> None:
        self.tell("wake", task)
        self.tell("block", task, task.blocked_on)

    def tell(self, event: str, *details: Any) -> None:
        """Tell the observer. Its failure is reported and does no other harm."""
        try:
            getattr(self._observer, event)(*details)
        except Exception as error:
            self.kernel.report(f"the observer failed at {event}{details}", error)


class TappedContext:
    """Stands in for the context of a task, and tells what goes through it."""

    def __init__(self, context: Context, task: Task[Any], watch: Watch) -> None:
        self.context = context
        self.copy = context.copy
        self._task = weakref.ref(task)  # which holds this
        self._watch = watch

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        self._watch.tell("resume", self._task())
        try:
            request = self.context.run(resume, code, value)
        finally:
            del value  # which may be an exception, and its traceback leads to this frame
        if isinstance(request, Syscall):
            self._watch.tell("syscall", self._task(), request)
            return TappedRequest(request, self._watch)
        return request


class TappedRequest(Syscall[Any]):
    """Has a request carried out, and tells whether that blocks the task."""

    __slots__ = ("_request", "_watch")

    def __init__(self, request: Syscall[Any], watch: Watch) -> None:
        self._request = request
        self._watch = watch

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.blocked_on = self._request
        answered = self._request.execute(kernel, task)
        if answered and task.blocked_on is None:
            raise answered_twice(self._request, task)
        if task.blocked_on is not None and not answered:  # on the request, or on what it has put in its place
            self._watch.blocked.add(task)
            self._watch.tell("block", task, task.blocked_on)
        return answered


class TappedQueue:
    """Stands in for the ready queue, and tells when a task that was blocked is appended."""

    def __init__(self, queue: ReadyQueue, watch: Watch) -> None:
        self.popleft = queue.popleft
        self._append = queue.append
        self._queue = queue
        self._watch = watch

    def append(self, item: Any, /) -> None:
        self._append(item)
        if item in self._watch.blocked:
            self._watch.blocked.discard(item)
            self._watch.tell("wake", item)

    def __len__(self) -> int:
        return len(self._queue)
