"""A tape: the observer that records kernels into one file, until it is closed.

It has a thread, which is ended before a fork and started again after it, for the reasons that `kernel.serving.service`
gives. The child process leaves the file to its parent.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref

from ..failures import tell
from ..insight.finding import running_kernels
from ..insight.watching import Observer, Watch
from ..serving.fork_warning import hold_back
from .recorder import Track
from .tables import Tables
from .writing import Writer


class Tape(Observer):
    """Records the kernels that it observes into the file; give it to `Kernel(observer=...)`, or use `record`."""

    def __init__(self, file: str | os.PathLike[str], data: bool = True) -> None:
        self._writer = Writer(os.fspath(file), data)
        self._tables = Tables(self._writer, data)
        self._watches: list[weakref.ref[Watch]] = []
        self.closed = False
        with _lock:
            _tapes.add(self)

    @property
    def failure(self) -> str | None:
        """Why the file is not complete, if it is not: the disk is full, for example."""
        return self._writer.failure

    def ear(self, watch: Watch) -> Observer:
        if self.closed:
            raise RuntimeError("the recording is complete; begin another one, in another file")
        self._watches.append(weakref.ref(watch))
        return Track(self._tables, watch)

    def close(self) -> None:
        """Observe no kernel any more, and complete the file. Harmless when it has been called, and in any thread."""
        if not self.closed:
            self.closed = True
            self._leave()
            self._writer.close()

    def _leave(self) -> None:
        """Stop to observe: each kernel in the thread in which it runs."""
        here = threading.get_ident()
        threads = {id(kernel): thread for thread, kernel in running_kernels()}
        for reference in self._watches:
            watch = reference()
            if watch is None:
                continue
            try:
                if watch.kernel.closed:
                    continue
                if threads.get(watch.kernel_id, here) == here:
                    watch.remove(self)
                else:
                    watch.kernel.call_from_thread(watch.remove, self)
            except (ReferenceError, RuntimeError):
                pass  # the kernel has gone, or has been closed meanwhile

    def pause(self) -> None:
        """End the thread."""
        self._writer.stop()

    def go_on(self) -> None:
        """Start the thread again."""
        try:
            self._writer.start()
        except OSError as error:
            tell("error", "the recording cannot go on", error)
            self.close()

    def forget(self) -> None:
        """Leave the file to the parent process."""
        self.closed = True
        self._writer.forget()
        self._leave()


_lock = threading.RLock()
_tapes: weakref.WeakSet[Tape] = weakref.WeakSet()


@atexit.register
def _complete() -> None:
    for tape in list(_tapes):
        tape.close()


def _before_fork() -> None:
    _lock.acquire()
    tapes = [tape for tape in _tapes if not tape.closed]
    for tape in tapes:
        tape.pause()
    if tapes:
        hold_back()


def _after_fork_in_parent() -> None:
    try:
        for tape in list(_tapes):
            if not tape.closed:
                tape.go_on()
    finally:
        _lock.release()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    for tape in list(_tapes):
        if not tape.closed:
            tape.forget()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
