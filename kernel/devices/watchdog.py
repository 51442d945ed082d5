"""The watchdog of a shutdown: a thread that notices when a step of a task does not end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType


class Watchdog:
    """While inside, a thread looks out for a step that does not end, and says which task keeps the shutdown waiting.

    `current` answers with the task that is running, and `tell` logs a message. Without a thread, where the system has
    none to give, the shutdown goes on all the same.
    """

    def __init__(self, grace: float, current: Callable[[], object], tell: Callable[[str, str], object]) -> None:
        self.turns = 0  # counted by who makes the turns
        self._grace = grace
        self._current = current
        self._tell = tell
        self._over = threading.Event()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="kernel watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        try:
            self._thread.start()
        except RuntimeError as error:
            self._tell("warning", f"nobody watches whether the shutdown hangs: {error}")
        except BaseException:  # Ctrl-C, after which nobody leaves this block
            self._over.set()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        # A turn in which nothing is ready waits for up to the grace, and a busy machine may not let this process run.
        patience = min(self._grace + 1.0, threading.TIMEOUT_MAX)
        seen: tuple[int, object] | None = None
        since = time.monotonic()
        while not self._over.wait(patience / 4):
            if seen != (seen := (self.turns, self._current())):
                since = time.monotonic()
            elif time.monotonic() - since > patience:
                stack = show_stack(sys._current_frames().get(self._watched))
                self._tell("critical", f"{self._current() or 'what is no task'} has been running for over "
                                       f"{self._grace:g} s without yielding, and the kernel cannot shut down; Ctrl-C "
                                       f"interrupts it:\n{stack}")
                return


def show_stack(frame: FrameType | None) -> str:
    """Where the code of `frame` and its callers are, outermost first; without the lines themselves if need be."""
    try:
        from traceback import format_stack  # here, to save start-up time: a shutdown hardly ever hangs
        return "".join(format_stack(frame))
    except Exception:  # as in `tell` of failures.py: it cannot be imported now, or cannot read the files
        places: list[str] = []
        while frame is not None:
            places.append(f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}\n')
            frame = frame.f_back
        return "".join(reversed(places))
