"""Watching a kernel at work: a tap between a task and the trampoline.

A kernel without an observer pays nothing for this: the tap stands in for the task's context, through which every step
goes, and exists only where somebody watches.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from .syscalls import Syscall

if TYPE_CHECKING:
    from .core import Kernel, ReadyQueue
    from .task import Task


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
        """The wait of `task` is over: it is ready."""

    def exit(self, task: Task[Any]) -> None:
        """`task` is done."""


class Tap:
    """Stands in for the context of an observed task and tells what goes through it."""

    def __init__(self, context: Context, task: Task[Any], kernel: Kernel) -> None:
        self.context = context
        self.copy = context.copy
        self._task = task
        self._kernel = kernel

    def run(self, resume: Callable[[Any], Any], value: Any) -> Any:
        self._kernel.tell("resume", self._task)
        request = self.context.run(resume, value)
        if isinstance(request, Syscall):
            self._kernel.tell("syscall", self._task, request)
            return TappedRequest(request)
        return request


class TappedRequest(Syscall[Any]):
    """Has a request carried out, and tells whether that blocks the task."""

    __slots__ = ("_request",)

    def __init__(self, request: Syscall[Any]) -> None:
        self._request = request

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.blocked_on = self._request
        answered = self._request.execute(kernel, task)
        if task.blocked_on is self._request and not answered:
            kernel.tell("block", task, self._request)
        return answered


class TappedQueue:
    """A ready queue that tells of the tasks that become ready."""

    def __init__(self, queue: ReadyQueue, kernel: Kernel) -> None:
        self.popleft = queue.popleft
        self._append = queue.append
        self._queue = queue
        self._kernel = kernel

    def append(self, item: Any, /) -> None:
        self._append(item)
        if item is not self._kernel.current and hasattr(item, "blocked_on"):
            self._kernel.tell("wake", item)

    def __len__(self) -> int:
        return len(self._queue)
