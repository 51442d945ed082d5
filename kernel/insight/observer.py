"""An observer watches a kernel at work.

Two kinds of stand-ins report to it. The kernel makes each step of a task through the task's context: a `TappedContext`
in its place sees the step begin, and the request that comes out. The kernel appends each task that it wakes to the
ready queue: a `TappedQueue` in its place sees that. A kernel without an observer has neither of them, so its steps and
wakes cost nothing more.
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
    """Is told of what a kernel does. Override the methods of interest, and give an instance to `Kernel(observer=...)`.

    The kernel calls the methods in its own thread, at once when something happens. That may be in the middle of a
    task's step, since a task that runs can wake another. The methods should not block. The kernel reports an exception
    from them to its exception hook, and goes on.
    """

    def spawn(self, task: Task[Any]) -> None:
        """`task` was made and is ready."""

    def resume(self, task: Task[Any]) -> None:
        """`task` is about to run."""

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        """`task` has made `request`."""

    def block(self, task: Task[Any], request: Syscall[Any]) -> None:
        """`request` could not be answered at once: `task` is blocked on it."""

    def wake(self, task: Task[Any]) -> None:
        """The wait of `task` is over, and it is ready.

        A task that was notified of a condition is not ready yet: `block` follows, as it waits for the lock.
        """

    def exit(self, task: Task[Any]) -> None:
        """`task` is done."""

    def attach_to(self, kernel: Kernel) -> Watch:
        """Begin to watch `kernel`. `Kernel(observer=...)` calls this once."""
        return Watch(kernel, self)


class Watch:
    """Connects one kernel to its observer: it puts the stand-ins in place, and calls the observer."""

    def __init__(self, kernel: Kernel, observer: Observer) -> None:
        self.kernel: Kernel = weakref.proxy(kernel)  # the kernel holds this object
        self.blocked: set[Task[Any]] = set()
        self._observer = observer
        kernel.ready = TappedQueue(kernel.ready, self)

    def attach(self, task: Task[Any]) -> None:
        task.context = TappedContext(task.context, task, self)  # type: ignore[assignment]  # a stand-in
        self.tell("spawn", task)

    def ended(self, task: Task[Any]) -> None:
        self.blocked.discard(task)
        self.tell("exit", task)

    def moved(self, task: Task[Any]) -> None:
        self.tell("wake", task)
        self.tell("block", task, task.blocked_on)

    def tell(self, event: str, *details: Any) -> None:
        """Call the observer's method `event`. If it fails, report that and go on."""
        try:
            getattr(self._observer, event)(*details)
        except Exception as error:
            self.kernel.report(f"the observer failed at {event}{details}", error)


class TappedContext:
    """Stands in for the context of a task, and tells the observer of each step and each request."""

    def __init__(self, context: Context, task: Task[Any], watch: Watch) -> None:
        self.context = context
        self.copy = context.copy
        self._task = weakref.ref(task)  # the task holds this object
        self._watch = watch

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        self._watch.tell("resume", self._task())
        try:
            request = self.context.run(resume, code, value)
        finally:
            del value  # it may be an exception, whose traceback has this frame: they would hold each other
        if isinstance(request, Syscall):
            self._watch.tell("syscall", self._task(), request)
            return TappedRequest(request, self._watch)
        return request


class TappedRequest(Syscall[Any]):
    """Stands in for a request: carries it out, and tells the observer if that blocks the task."""

    __slots__ = ("_request", "_watch")

    def __init__(self, request: Syscall[Any], watch: Watch) -> None:
        self._request = request
        self._watch = watch

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.blocked_on = self._request
        answered = self._request.execute(kernel, task)
        if answered and task.blocked_on is None:
            raise answered_twice(self._request, task)
        if task.blocked_on is not None and not answered:  # on the request, or on another that this has put in its place
            self._watch.blocked.add(task)
            self._watch.tell("block", task, task.blocked_on)
        return answered


class TappedQueue:
    """Stands in for the ready queue, and tells the observer when a task that was blocked is appended."""

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
