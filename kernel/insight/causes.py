"""Why a task became ready: who or what has ended its wait."""

from __future__ import annotations

from typing import Any

from ..calls import Callback
from ..core import Kernel
from ..devices.watchdog import Unheard
from ..sync.groups import SpawnChild
from ..task import Task
from .events import Cause, Who
from .names import number


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
    """The cause of what `event` does: it has come from outside, or is a group's, which cancels the rest of the group."""
    if isinstance(event, SpawnChild):
        return cause_by_task(who(event.child))
    if isinstance(event, Callback):
        if isinstance(event.function, Unheard):
            return Cause("call", "Ctrl-C")
        return Cause("call", f"call_from_thread({getattr(event.function, '__qualname__', event.function)})")
    if getattr(event, "dead", None) is not None:
        return Cause("timer", "a timer")
    for owner, attribute in ((event, "fd"), (getattr(event, "endpoint", None), "descriptor"),
                             (getattr(event, "transport", None), "_sock_fd")):
        if isinstance(descriptor := getattr(owner, attribute, None), int):
            return Cause("descriptor", f"descriptor {descriptor}")
    return Cause("descriptor", "a descriptor")
