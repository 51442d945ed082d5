"""Recording a program, or a part of it: what `kernel.insight.record` begins and ends."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from types import TracebackType

from ..core import Kernel
from ..devices import Tracer
from ..insight.finding import kernel_here
from ..insight.watching import Observer, Watch, Watching
from .recorder import Tape
from .writing import Writer


class Several(Observer):
    """The tracers of all kernels that are made, in the place of one."""

    def __init__(self, *tracers: Tracer) -> None:
        self._tracers = tracers

    def attach_to(self, kernel: Kernel) -> Watch:
        return [tracer.attach_to(kernel) for tracer in self._tracers][-1]  # type: ignore[return-value]


class Session:
    """A recording in the making; a block at whose end it is complete."""

    def __init__(self, file: str | os.PathLike[str], data: bool) -> None:
        self._writer = Writer(os.fspath(file), data)
        self._tape = Tape(self._writer, data)
        self._tracer = Kernel.tracer
        kernel = kernel_here()
        self._watching = None if kernel is None else Watching(self._tape, kernel)
        if kernel is None:
            Kernel.tracer = self._tape if self._tracer is None else Several(self._tracer, self._tape)

    def stop(self) -> None:
        if self._watching is not None:
            self._watching.stop()
        else:
            Kernel.tracer = self._tracer
        self._writer.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def record(file: str | os.PathLike[str], *, data: bool = True) -> Session:
    return Session(file, data)
