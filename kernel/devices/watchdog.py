"""Steps that do not end: where one is, and threads that notice one: after Ctrl-C, and at a shutdown."""

from __future__ import annotations

import sys
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

MOMENT = 1.0  # seconds from Ctrl-C to a look at the kernel,
LOOKS = 5  # of which there are several where the kernel is just between two steps


class Unheard:
    """A call that `kernel` is to make for Ctrl-C. If the kernel does not come to it, this says who holds the kernel.

    It is made in a signal handler, in the thread of the kernel.
    """

    def __init__(self, kernel: Any, function: Callable[[], object] = bool) -> None:
        self._kernel = kernel
        self._function = function
        self._watched = threading.get_ident()
        self._made = threading.Lock()
        self._made.acquire()
        try:
            # Not by `threading`: its locks may be held by what the signal has interrupted.
            start_new_thread(self._watch, ())
        except RuntimeError:
            pass  # the system gives no thread: nobody can say it, and Ctrl-C does the same without

    def __call__(self) -> object:
        """The kernel makes the call."""
        self._made.release()
        return self._function()

    def _watch(self) -> None:
        for _ in range(LOOKS):
            if self._made.acquire(timeout=MOMENT):
                return
            frames, task = step_frames(self._kernel, self._watched), self._kernel.current
            if frames:
                holder = "a callback" if task is None else f"the task '{task.name}'"
                return say(f"Ctrl-C has to wait: {holder} has held the kernel for over "
                           f"{MOMENT:g} s. Ctrl-C again interrupts it where it is now:\n{show_frames(frames)}")


def say(text: str) -> None:
    """Write `text` to standard error, for whoever sits at the terminal."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass  # there is none, or it is closed: nobody sits there


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


def step_frames(kernel: object, thread: int) -> list[tuple[FrameType, int]]:
    """The frames of the step that `kernel` makes in `thread`, each with its line, outermost first; none between steps.

    Those that lead from the kernel to the program's code are left out, unless there are no others.
    """
    packages = {package_of(vars(cls)) for cls in type(kernel).__mro__ if "run_ready" in vars(cls)}
    frames: list[tuple[FrameType, int]] = []
    frame = sys._current_frames().get(thread)
    while frame is not None and not (frame.f_code.co_name == "run_ready" and frame.f_locals.get("self") is kernel):
        frames.append((frame, frame.f_lineno))
        frame = frame.f_back
    if frame is None:
        return []
    frames.reverse()
    first = next((place for place, (frame, _) in enumerate(frames) if package_of(frame.f_globals) not in packages), 0)
    return frames[first:]


def package_of(names: Mapping[str, object]) -> str:
    """The top-level package of a module or a class that has the names `names`."""
    return str(names.get("__module__") or names.get("__name__")).partition(".")[0]


def show_stack(frame: FrameType | None) -> str:
    """Where the code of `frame` and its callers are, outermost first; without the lines themselves if need be."""
    frames: list[tuple[FrameType, int]] = []
    while frame is not None:
        frames.append((frame, frame.f_lineno))
        frame = frame.f_back
    return show_frames(frames[::-1])


def show_frames(frames: list[tuple[FrameType, int]]) -> str:
    """The same for `frames`, each with its line."""
    try:
        from traceback import StackSummary  # here, to save start-up time: a step hardly ever hangs
        return "".join(StackSummary.extract(iter(frames)).format())
    except Exception:  # as in `tell` of failures.py: it cannot be imported now, or cannot read the files
        return "".join(f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}\n'
                       for frame, line in frames)
