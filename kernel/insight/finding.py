"""The kernels that run in this process, found on the stacks of its threads.

Nobody keeps a list of kernels, which would cost a program something that is not looked at. But a kernel that runs is
the `self` of a frame on some thread's stack: of `Kernel.run` or `Kernel.turn`, or of the methods of an event loop that
has a kernel. A kernel that is a guest of another make of loop has no such frame between two steps, and is not found.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from types import FrameType
from typing import Any

from ..core import Kernel

_SCHEDULERS = (Kernel.run.__code__, Kernel.turn.__code__)
_LOOPS = ("run_forever", "_run_once")  # methods of asyncio's loops; between two turns only they are on the stack

_inherited: weakref.WeakSet[Kernel] = weakref.WeakSet()  # by a fork: their frames are there, and nobody runs them


def running_kernels() -> list[tuple[int, Kernel]]:
    """The kernels that run, each with the identifier of its thread; first the main thread's, then by age of threads."""
    found: dict[Kernel, int] = {}
    for thread, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost
        while frame is not None:
            kernel = kernel_of(frame)
            if kernel is not None and kernel not in _inherited:
                found.setdefault(kernel, thread)
            frame = frame.f_back
    main = threading.main_thread().ident
    ages = {thread.ident: age for age, thread in enumerate(threading.enumerate())}
    order = sorted(found, key=lambda kernel: (found[kernel] != main, ages.get(found[kernel], len(ages))))
    return [(found[kernel], kernel) for kernel in order]


def kernel_here() -> Kernel | None:
    """The kernel that runs in the calling thread."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        kernel = kernel_of(frame)
        if kernel is not None and kernel not in _inherited:
            return kernel
        frame = frame.f_back
    return None


def kernel_of(frame: FrameType) -> Kernel | None:
    """The kernel that runs in `frame`, if the frame is that of a scheduler."""
    if frame.f_code in _SCHEDULERS:
        runner: Any = frame.f_locals.get("self")
    elif frame.f_code.co_name in _LOOPS:
        runner = getattr(frame.f_locals.get("self"), "kernel", None)
    else:
        return None
    return runner if isinstance(runner, Kernel) else None


def _after_fork() -> None:
    _inherited.update(kernel for _, kernel in running_kernels())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
