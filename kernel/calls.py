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
# call and costs more than a step, so not every turn begins with one. As many calls are made before tasks have their turn.
POLL_INTERVAL = 61

# With more calls than these still to be made, a thread that asks for another is held up for a moment. Else a few threads
# that do nothing else would keep the interpreter from the kernel, and fill the memory.
BACKLOG, MOMENT = 10_000, 0.001  # seconds


class Callback:
    """A plain call, to be made by the kernel in its turn."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args

    def run(self, kernel: Kernel) -> None:
        kernel.current = None
        try:
            self.function(*self.args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            kernel.report(f"the callback {self.function!r} failed", error)


class Calls:
    """The calls that are still to be made, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: deque[Callback] = deque()
        self._ready = False  # whether this object is in the ready queue

    def add(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.waiting.append(Callback(function, args))

    def admit(self, kernel: Kernel) -> None:
        """Put the calls into the ready queue, if there are any and they are not in it."""
        if self.waiting and not self._ready:
            kernel.ready.append(self)
            self._ready = True  # last: it would be for ever where Ctrl-C comes before the line above; twice is harmless

    def run(self, kernel: Kernel) -> None:
        """Make some of the calls."""
        try:
            self.make(kernel, POLL_INTERVAL)
        finally:
            self.admit(kernel)

    def make(self, kernel: Kernel, most: int) -> None:
        """Make as many of the calls as there are now, but `most` at the most."""
        self._ready = False  # here, since a shutdown makes calls too, and a Ctrl-C before it may have taken this object out
        for _ in range(min(len(self.waiting), most)):
            self.waiting.popleft().run(kernel)


class Expected:
    """While inside, `kernel` takes it that somebody may call."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __enter__(self) -> None:
        self._kernel.calls_expected += 1

    def __exit__(self, *exc_info: object) -> None:
        self._kernel.calls_expected -= 1
