"""A program's exceptions as its author wants to see them: without the frames of the kernel."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType

from ..deadlock import Deadlock
from ..failures import traceback_of

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def entries_of(error: BaseException) -> Iterator[tuple[TracebackType, bool]]:
    """The entries of a traceback, outermost first, each with whether it is the kernel's."""
    entry, kernels = traceback_of(error), False
    while entry is not None:
        file = entry.tb_frame.f_code.co_filename
        # What a `with` of the kernel runs through is the kernel's as well.
        kernels = file.startswith(PACKAGE + os.sep) or (kernels and file == contextlib.__file__)
        yield entry, kernels
        entry = entry.tb_next


def shown_with(error: BaseException) -> list[BaseException]:
    """`error`, and every exception that is shown with it: its causes, contexts and members."""
    shown = {id(error): error}
    unseen = [error]  # not by recursion: a chain may be longer than the interpreter's stack
    while unseen:
        error = unseen.pop()
        members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        for other in (error.__cause__, error.__context__, *members):
            if other is not None and id(other) not in shown:
                shown[id(other)] = other
                unseen.append(other)
    return list(shown.values())


def trim(error: BaseException, loader: str) -> None:
    """Take the kernel's frames out of the traceback of `error`.

    Where the kernel has failed all by itself its frames are all there is to see, and stay. `loader` is the file that
    loads the program: an exception from there says that the program cannot be compiled.
    """
    entries = list(entries_of(error))
    programs = [entry for entry, kernels in entries if not kernels]
    expected = isinstance(error, (Deadlock, KeyboardInterrupt)) or (
        entries and entries[-1][0].tb_frame.f_code.co_filename == loader)
    if programs or expected:
        trimmed: TracebackType | None = None
        for entry in reversed(programs):
            trimmed = TracebackType(trimmed, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
        BaseException.with_traceback(error, trimmed)
