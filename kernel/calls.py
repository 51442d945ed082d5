"""Calls into the kernel: what other threads and signal handlers want to be called in the kernel's own thread.

They wait in a line of their own. All of them together are one item of the ready queue, which makes a few calls and goes
to the end of that queue again. So however fast other threads call, every ready task makes a step after a few calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import Kernel

# A busy kernel looks at its descriptors after this many steps at the latest; the figure is Tokio's. A look is a system
# call and costs more than a step, so not every step has one. As many calls are made before tasks have their turn.
POLL_INTERVAL = 61

# While more calls than these are still to be made, each thread that asks for another has to wait for a moment. A few
# threads that only ask for calls would otherwise take the interpreter from the kernel, and fill the memory.
BACKLOG, MOMENT = 10_000, 0.001  # seconds


class Callback:
    """A plain call, to be made by the kernel in its turn."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args

    def run(self, kernel: Kernel) -> None:
        kernel.leave_task()
        try:
            self.function(*self.args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            kernel.report(f"the callback {self.function!r} failed", error)


class Calls:
    """The calls that are still to be made, in the order in which they were asked for, and how many may yet come."""

    def __init__(self) -> None:
        self.waiting: deque[Callback] = deque()
        self.at_work = 0  # threads of which each will call when it is done
        self.expected = 0  # tasks, and others, of which each waits for a call
        self._ready = False  # whether this object is in the ready queue

    def may_come(self) -> bool:
        """Whether a call is there or is to be expected: then not all is lost when every task is blocked."""
        return bool(self.expected or self.at_work or self.waiting)

    def add(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.waiting.append(Callback(function, args))

    def admit(self, kernel: Kernel) -> None:
        """Put the calls into the ready queue, if there are any and they are not in it."""
        if self.waiting and not self._ready:
            kernel.ready.append(self)
            # Not before: Ctrl-C between the two lines would then leave this object marked, and in no queue. In this
            # order it may get into the queue twice, which does no harm.
            self._ready = True

    def run(self, kernel: Kernel) -> None:
        """Make some of the calls."""
        try:
            self.make(kernel, POLL_INTERVAL)
        finally:
            self.admit(kernel)

    def make(self, kernel: Kernel, most: int) -> None:
        """Make the calls that are there now, `most` of them at most."""
        # Ctrl-C may have come when this object was taken from the ready queue and had made no call yet. A shutdown
        # calls this method as well, so the mark goes then at the latest.
        self._ready = False
        for _ in range(min(len(self.waiting), most)):
            kernel.firing = call = self.waiting.popleft()
            call.run(kernel)
        kernel.firing = None


class Expected:
    """While inside, `kernel` expects that somebody may call."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __enter__(self) -> None:
        self._kernel.calls.expected += 1

    def __exit__(self, *exc_info: object) -> None:
        self._kernel.calls.expected -= 1
