"""The parts of `async with` that locks, timeouts and groups share: to enter is a request, to leave often needs none."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task


class Block(Protocol):
    """A block that one task enters by `async with`, once."""

    entered: bool
    _task: Task[Any] | None  # the task that is inside

    def enter(self, task: Task[Any]) -> None: ...


BlockT = TypeVar("BlockT", bound=Block)


class Answered:
    """The answer of a call that has nothing to wait for. Awaiting it does not go to the kernel."""

    __slots__ = ()
    __await__ = cast("Any", staticmethod(().__iter__))  # made in C: an exit costs no generator


ANSWERED: Awaitable[None] = Answered()


class Held:
    """Something that is acquired on entering a block, and released when the block ends."""

    __slots__ = ()

    def release(self) -> None:
        raise NotImplementedError

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        self.release()
        return ANSWERED


class Enter(Syscall[BlockT]):
    """Tell a block which task enters it; answered at once."""

    __slots__ = ("_block",)

    def __init__(self, block: BlockT) -> None:
        self._block: BlockT = block

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._block.entered:
            raise RuntimeError(f"{task} cannot enter {self._block!r}: it has been entered before; make a new one")
        self._block.enter(task)
        task.inbox = self._block
        return True

    def __repr__(self) -> str:
        return f"<{self._block!r}>.__aenter__()"


def inside(block: Block) -> Task[Any]:
    """The task that is in `block` and is about to leave it."""
    if block._task is None:
        raise RuntimeError(f"{block!r} cannot be left: no task is in it; enter it once by 'async with'")
    return block._task
