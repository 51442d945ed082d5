"""asyncio's `gather` and `TaskGroup`, quicker: of the tasks that return, only the last one needs a call.

asyncio adds a callback to each task. When a task has returned, all that its callback does is to count, until the last
one completes the whole. Here a task counts itself, in the step in which it returns. The callbacks of the last task, and
of tasks that fail or are cancelled, are called as asyncio calls them: so nothing else happens in another order.
`gather` and `taskgroup` of the benchmarks, and the trees of tasks there, show what that saves.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from asyncio import tasks as asyncio_tasks
from contextvars import Context, copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from .events import EventLoop, LoopKernel
from .futures import Collector, Future, FutureMethods
from .tasks import Task

asyncio_gather = asyncio.gather  # asyncio's own, also after `install` has put ours in its place

if TYPE_CHECKING:

    class _GatheringFuture(asyncio.Future[Any]):
        _cancel_requested: bool

        def __init__(self, children: list[Task[Any]], *, loop: asyncio.AbstractEventLoop) -> None: ...
else:
    _GatheringFuture = asyncio_tasks._GatheringFuture


class GatheringFuture(_GatheringFuture, Future[Any]):
    """What `gather` returns: to cancel it is to cancel the tasks. Like every `Future` of ours, it is a syscall."""


GatheringFuture.__name__ = _GatheringFuture.__name__  # shown in its repr


class Gathering(Collector):
    """The tasks of one `gather`, and the callback of each."""

    __slots__ = ("_left", "_members", "_return_exceptions", "_parent", "_running", "outer")

    outer: GatheringFuture

    def __init__(self, members: list[Any], return_exceptions: bool) -> None:
        self._members = members
        self._return_exceptions = return_exceptions
        self._left = 0  # have not counted
        self._running = 0  # of these are tasks of ours that are not done
        self._parent = asyncio.current_task() if sys.version_info >= (3, 14) else None

    def add(self, task: Any, context: Context) -> None:
        """Count on `task`, which is not done."""
        self._left += 1
        if isinstance(task, FutureMethods):
            self._running += 1
            task.line_up(self, context)
        else:  # of a task factory
            task.add_done_callback(self, context=context)

    def needs_call(self, task: Any, returned: bool) -> bool:
        self._running -= 1
        if (returned or self._return_exceptions) and self._running:
            self._left -= 1
            return False
        return True

    def awaited_by(self) -> Any:
        return self._parent

    def __call__(self, task: Any) -> None:
        self._left -= 1
        self.count(task)

    def count(self, task: Any) -> None:
        """Of `task`, which is done, take notice as the callback in `asyncio.gather` does."""
        if self.outer.done():
            if not task.cancelled():
                task.exception()  # which marks it as retrieved
        elif not self._return_exceptions and task.cancelled():
            self.outer.set_exception(task._make_cancelled_error())
        elif not self._return_exceptions and (error := task.exception()) is not None:
            self.outer.set_exception(error)
        elif not self._left:
            results = [outcome(member) for member in self._members]
            if self.outer._cancel_requested:
                self.outer.set_exception(task._make_cancelled_error())
            else:
                self.outer.set_result(results)


def outcome(task: Any) -> Any:
    """What `gather` gives for a task that is done."""
    if task.cancelled():
        return asyncio.CancelledError("" if task._cancel_message is None else task._cancel_message)
    error = task.exception()
    return task.result() if error is None else error


@functools.wraps(asyncio_gather)
def gather(*coros_or_futures: Any, return_exceptions: bool = False) -> Any:
    loop = asyncio._get_running_loop()
    if not coros_or_futures or not isinstance(loop, EventLoop) or loop.kernel.unchecked is None:
        return asyncio_gather(*coros_or_futures, return_exceptions=return_exceptions)
    for given in coros_or_futures:
        if type(given) is not CoroutineType and (type(given) is not Task or given._loop is not loop or given._done):
            return asyncio_gather(*coros_or_futures, return_exceptions=return_exceptions)
    tasks: dict[Any, Any] = {}
    for given in coros_or_futures:
        if type(given) is Task:
            tasks[given] = given
        elif given not in tasks:
            tasks[given] = task = loop.create_task(given)
            task._log_destroy_pending = False  # nobody has the task who could keep it from being destroyed
    members = [tasks[given] for given in coros_or_futures]
    gathering = Gathering(members, return_exceptions)
    gathering.outer = GatheringFuture(members, loop=loop)
    context = copy_context()
    for task in tasks.values():
        if not task.done():
            gathering.add(task, context)
    for task in tasks.values():
        if task.done():  # it was started eagerly
            gathering.count(task)
    return gathering.outer


class TaskGroup(asyncio.TaskGroup, Collector):
    """`asyncio.TaskGroup`. It is also the callback of its tasks, as a collector is."""

    _kernel: LoopKernel | None = None  # of a loop of ours, from the first task on
    _context: Context  # of the callbacks
    _running = 0  # tasks of ours that are not done

    if TYPE_CHECKING:  # what is private to the base class, and used here
        _aborting: bool
        _exiting: bool
        _loop: Any
        _parent_task: Any
        _tasks: set[Any]

        def _on_task_done(self, task: Any) -> None: ...

    def create_task(self, coro: Any, *, name: Any = None, context: Context | None = None,  # type: ignore[override]
                    **others: Any) -> Any:  # Python's versions differ
        if self._kernel is None and isinstance(self._loop, EventLoop):
            self._kernel = self._loop.kernel
            self._context = copy_context()
        if (others or self._kernel is None or self._kernel.unchecked is None or self._aborting
                or self._exiting and not self._tasks):
            return super().create_task(coro, name=name, context=context, **others)
        task = self._loop.create_task(coro, name=name, context=context)
        if task.done():
            self._on_task_done(task)  # it was started eagerly
            return task
        self._tasks.add(task)
        if isinstance(task, FutureMethods):
            self._running += 1
            task.line_up(self, self._context)
        else:  # of a task factory
            task.add_done_callback(self, context=self._context)
        return task

    def awaited_by(self) -> Any:
        return self._parent_task

    def needs_call(self, task: Any, returned: bool) -> bool:
        self._running -= 1
        if returned and self._running:
            self._tasks.discard(task)
            return False
        return True

    def __call__(self, task: Any) -> None:
        self._on_task_done(task)
