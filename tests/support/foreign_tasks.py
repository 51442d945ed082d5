"""Tasks such as another layer on the kernel has: cancelled by an exception of its own."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from kernel import Task, current_task


class Foreign(Task[Any]):
    """A task such as another layer on the kernel has, with its own exception."""

    __slots__ = ()

    class Stopped(BaseException):
        pass

    cancelled_type = Stopped


async def as_foreign(code: Coroutine[Any, Any, Any]) -> Task[Any]:
    """Run `code` in a task whose exception for cancellation is another."""
    me = await current_task()
    task = Foreign(me.kernel, code, me.context.copy(), None, False)
    me.kernel.tasks[task.code] = task
    me.kernel.ready.append(task)
    return task
