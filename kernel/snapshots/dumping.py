"""A listing on a signal: all that a snapshot tells goes to standard error, and the program goes on.

Python runs the handler of a signal in the main thread, between two bytecodes: also while a task is in `while True:
pass`, and while the kernel waits for something to happen.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType

from .drawing import fitted
from .listing import everything
from .snapshots import snapshot

STDERR = 2
PATIENCE = 1.0  # seconds, for a reader of standard error that does not read

Handler = Callable[[int, FrameType | None], object]

# A handler in Python cannot act on these: the same instruction would fail again and again.
_FAULTS = {getattr(signal, name) for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL") if hasattr(signal, name)}


def dump_on(number: int) -> None:
    """Print what every task does to standard error whenever this process gets the signal `number`, and go on.

    A function that the program has made the signal's handler before is called after that; a handler that is not
    Python's, as `faulthandler.register` sets one, is replaced. To end it, give the signal another handler by
    `signal.signal`. A second call does nothing. Raises `RuntimeError` outside of the main thread, in which alone Python
    lets signals be handled, and `ValueError` for a signal that cannot be caught, or that is none.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("dump_on() was called in a thread; call it in the main thread")
    try:
        name = signal.Signals(number).name
    except ValueError:
        raise ValueError(f"dump_on() takes the number of a signal, such as signal.SIGUSR1, not {number!r}") from None
    previous = signal.getsignal(number)
    if isinstance(previous, Dump):
        return
    if number in _FAULTS:
        raise ValueError(f"{name} tells of a fault, after which nothing goes on; choose another, such as SIGUSR1")
    try:
        signal.signal(number, Dump(previous if callable(previous) else None))
    except OSError:
        raise ValueError(f"{name} cannot be caught; choose another signal, such as SIGUSR1") from None


class Dump:
    """The handler of a signal."""

    def __init__(self, then: Handler | None) -> None:
        self._then = then  # the handler before this one
        self._busy = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._busy:  # else the signal has come again in the middle of a listing
            self._busy = True
            try:
                text = fitted(f"\n{everything(snapshot())}", getattr(sys.__stderr__, "encoding", None))
            except Exception:  # the program has done nothing wrong, and is to go on
                text = f"\nno listing can be made:\n{traceback.format_exc()}"
            finally:
                self._busy = False
            write(text)
        if self._then is not None:
            self._then(number, frame)


def write(text: str) -> None:
    """Write to standard error past Python's own stream, in whose middle the signal may have come.

    What cannot be written there, because it is closed or nobody reads it, is left out: there is nowhere to tell it.
    """
    data = memoryview(text.encode("utf-8", "backslashreplace"))
    until = time.monotonic() + PATIENCE
    while data:
        try:
            data = data[os.write(STDERR, data):]
        except BlockingIOError:
            if time.monotonic() > until:
                return
            time.sleep(0.01)
        except OSError:
            return
