"""Streams of which an observer is the source: it begins in the kernels' threads, and leaves them as they were.

What only a kernel's thread may do is done there, by a call, and waited for for a short time: a kernel that is stuck in a
step makes no calls.
"""

from __future__ import annotations

import threading
import time
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterable

from ..core import Kernel
from ..insight.watching import Observer, Watching, watch
from .asked import Stream

PATIENCE = 0.25  # seconds that a kernel has to make a call


class Observing(Stream):
    """A stream with an observer for each kernel."""

    def __init__(self) -> None:
        # A kernel that the program has thrown away is not kept for this.
        self._watches: weakref.WeakKeyDictionary[Kernel, Watching | None] = weakref.WeakKeyDictionary()
        self._over = False

    def attach(self, kernels: Iterable[Kernel]) -> None:
        """Watch those of the kernels that are not watched yet. A kernel that is stuck now is watched when it goes on."""
        new = [kernel for kernel in kernels if kernel not in self._watches]
        self._watches.update(dict.fromkeys(new))
        call_in_each(new, self._begin)

    def _begin(self, kernel: Kernel) -> None:
        if not self._over:
            self._watches[kernel] = watch(self.observer_of(kernel), kernel)

    @abstractmethod
    def observer_of(self, kernel: Kernel) -> Observer:
        """What is to watch the kernel. Called in its thread."""

    def end(self) -> str:
        self._over = True
        until = time.monotonic() + PATIENCE
        for made in call_in_each(list(self._watches), self._leave):
            made.wait(max(0.0, until - time.monotonic()))  # a kernel that is stuck leaves when it goes on
        return self.rest()

    def rest(self) -> str:
        """What is still to be sent after the end."""
        return ""

    def _leave(self, kernel: Kernel) -> None:
        watching = self._watches.pop(kernel, None)
        if watching is not None:
            watching.stop()
            self.left(kernel)

    def left(self, kernel: Kernel) -> None:
        """The kernel is watched no longer. Called in its thread."""


def call_in_each(kernels: Iterable[Kernel], function: Callable[[Kernel], object]) -> list[threading.Event]:
    """Call `function(kernel)` in the thread of each; return events that say that the calls have been made."""
    made = []
    for kernel in kernels:
        event = threading.Event()
        try:
            kernel.call_from_thread(call, function, kernel, event)
        except RuntimeError:  # it has been closed
            continue
        made.append(event)
    return made


def call(function: Callable[[Kernel], object], kernel: Kernel, made: threading.Event) -> None:
    try:
        function(kernel)
    finally:
        made.set()
