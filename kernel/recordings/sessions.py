"""Recording a program, or a part of it: what `kernel.insight.record` begins and ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from ..core import Kernel
from ..devices import Tracer
from ..insight.finding import kernel_here
from ..insight.watching import Observer, Watch
from .tapes import Tape


class Several(Observer):
    """The tracers of all kernels that are made, in the place of one."""

    def __init__(self, tracers: Sequence[Tracer]) -> None:
        self._tracers = tracers

    def attach_to(self, kernel: Kernel) -> Watch:
        return [tracer.attach_to(kernel) for tracer in self._tracers][-1]  # type: ignore[return-value]  # all give one


class AllKernels:
    """The recordings that are being made of each kernel that is made, besides what `Kernel.tracer` was before them."""

    def __init__(self) -> None:
        self._before: Tracer | None = None
        self._tapes: list[Tape] = []
        self._tracer: Tracer | None = None  # what `Kernel.tracer` was set to here
        self._lock = threading.Lock()

    def add(self, tape: Tape) -> None:
        with self._lock:
            if Kernel.tracer is not self._tracer or not self._tapes:
                self._before = Kernel.tracer
            self._tapes.append(tape)
            self._arrange()

    def remove(self, tape: Tape) -> None:
        with self._lock:
            if tape in self._tapes:
                self._tapes.remove(tape)
                if Kernel.tracer is self._tracer:  # else somebody else has set it, who may have forgotten the recordings
                    self._arrange()

    def _arrange(self) -> None:
        tracers = [*([] if self._before is None else [self._before]), *self._tapes]
        self._tracer = Kernel.tracer = Several(tracers) if self._tapes else self._before


_all_kernels = AllKernels()


class Session:
    """A recording that is being made, until `stop` is called or the `with` block ends."""

    def __init__(self, file: str | os.PathLike[str], data: bool) -> None:
        kernel = kernel_here()
        self._tape = Tape(file, data)
        if kernel is not None:
            self._tape.attach_to(kernel)
        else:
            _all_kernels.add(self._tape)

    @property
    def failure(self) -> str | None:
        """Why the file is not complete, if it is not: the disk is full, for example."""
        return self._tape.failure

    def stop(self) -> None:
        """Record nothing more, and complete the file. Harmless when it has been called."""
        _all_kernels.remove(self._tape)
        self._tape.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def record(file: str | os.PathLike[str], *, data: bool = True) -> Session:
    """Record what happens from now on into `file`, for `trampoline show`, `timeline` and `movie`.

    Called where a kernel runs, such as in a task, it records that kernel. Elsewhere it records each kernel, and each
    event loop of `compat`, that is made until the end. Use the result as a block, or call its `stop`; at the latest the
    recording ends with the process. Without `data` the file has no arguments, answers, items or messages of exceptions.
    A child process made by `os.fork` is not recorded.

    The file is written while the program runs, and a killed program leaves it readable, but for the last tenth of a
    second. When it can no longer be written to, the program goes on, and `failure` says why. Raises `OSError` when the
    file cannot be opened, or no thread can be started.
    """
    return Session(file, data)
