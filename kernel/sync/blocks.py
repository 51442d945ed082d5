"""What `async with` asks for: a request on entry, and nothing to wait for on leaving."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task

if TYPE_CHECKING:
    from .groups import TaskGroup
    from .scopes import Scope
    from .shields import Shielded
    from .timeouts import Timeout

ScopeT = TypeVar("ScopeT", "TaskGroup", "Timeout", "Shielded")


class Answered:
    """What a call returns that is over already: to await it takes no turn of the kernel."""

    __slots__ = ()
    __await__ = cast("Any", staticmethod(().__iter__))  # made in C: an exit costs no generator


ANSWERED: Awaitable[None] = Answered()


class Enter(Syscall[ScopeT]):
    """Tell a scope whose it is; answered at once."""

    __slots__ = ("_scope",)

    def __init__(self, scope: ScopeT) -> None:
        self._scope: ScopeT = scope

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._scope.entered:
            raise RuntimeError(f"{task} cannot enter {self._scope!r}: it has been entered before; make a new one")
        self._scope.enter(task)
        task.inbox = self._scope
        return True

    def __repr__(self) -> str:
        return f"<{self._scope!r}>.__aenter__()"


def inside(scope: Shielded | Scope) -> Task[Any]:
    """The task that is in the scope and is about to leave it."""
    if scope._task is None:
        raise RuntimeError(f"{scope!r} cannot be left: no task is in it; enter it once by 'async with'")
    return scope._task
