"""Why a task became ready: who or what has ended its wait."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..calls import Callback
from ..core import Kernel
from ..task import Task
from .names import number


class Who(NamedTuple):
    """What is kept of a task, which may be gone."""

    kernel: int  # the identity of the task's kernel, since each numbers its tasks
    number: int
    name: str

    def __str__(self) -> str:
        return f"task {self.number} '{self.name}'"


class Cause(NamedTuple):
    """Who or what has made a task ready.

    `kind` is "task"; "timer"; "descriptor", which can be read or written; "call", by another thread or a signal
    handler; "callback" of an event loop, which has a cause itself: `by`; or "outside", for what comes before or after
    the run.
    """

    kind: str
    text: str
    who: Who | None = None  # the task, if it was one
    by: Cause | None = None

    def task(self) -> Who | None:
        """The task at the beginning of the chain, if there is one."""
        cause: Cause | None = self
        while cause is not None:
            if cause.who is not None:
                return cause.who
            cause = cause.by
        return None

    def __str__(self) -> str:
        return self.text if self.by is None else f"{self.text}, due to {self.by}"


FROM_A_THREAD = Cause("call", "another thread")
UNKNOWN = Cause("outside", "code outside of the kernel")


def who(task: Task[Any]) -> Who:
    return Who(id(task.kernel), number(task), task.name)


def cause_by_task(task: Who) -> Cause:
    return Cause("task", str(task), task)


def cause_now(kernel: Kernel, running: Cause | None) -> Cause:
    """The cause of what happens now. `running` is that of the callback of an event loop that runs, if one does."""
    if kernel.current is not None:
        return cause_by_task(who(kernel.current))
    if kernel.firing is not None:
        return cause_by(kernel.firing)
    return UNKNOWN if running is None else running


def cause_of(item: Any, by: Cause) -> Cause:
    """The cause of what `item` will do, a callback that has been put into the queue, due to `by`."""
    if isinstance(item, Task):  # it is done, and will tell a function of that
        return cause_by_task(who(item))
    function = getattr(item, "_callback", None) or getattr(item, "read", None)
    function = getattr(function, "func", function)  # of a partial
    return Cause("callback", str(getattr(function, "__qualname__", type(item).__qualname__)), None, by)


def cause_by(event: Any) -> Cause:
    """The cause of what `event` does, which has come from outside."""
    if isinstance(event, Callback):
        return Cause("call", f"call_from_thread({getattr(event.function, '__qualname__', event.function)})")
    if getattr(event, "dead", None) is not None:
        return Cause("timer", "a timer")
    for owner, attribute in ((event, "fd"), (getattr(event, "endpoint", None), "descriptor"),
                             (getattr(event, "transport", None), "_sock_fd")):
        if isinstance(descriptor := getattr(owner, attribute, None), int):
            return Cause("descriptor", f"descriptor {descriptor}")
    return Cause("descriptor", "a descriptor")
