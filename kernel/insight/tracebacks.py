"""Tracebacks for a program's author: `python -m kernel` shows exceptions without the library's own frames."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType

from ..deadlock import Deadlock
from ..failures import traceback_of

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def entries_of(error: BaseException) -> Iterator[tuple[TracebackType, bool]]:
    """The entries of the traceback of `error`, outermost first, each with True when it is the library's own."""
    entry, kernels = traceback_of(error), False
    while entry is not None:
        file = entry.tb_frame.f_code.co_filename
        # A `with` of the library may run through contextlib: a frame of that after one of the library counts as its
        # own.
        kernels = file.startswith(PACKAGE + os.sep) or (kernels and file == contextlib.__file__)
        yield entry, kernels
        entry = entry.tb_next


def shown_with(error: BaseException) -> list[BaseException]:
    """`error` and every exception that is shown with it: causes, contexts, and the members of groups."""
    shown = {id(error): error}
    unseen = [error]  # a loop, no recursion: a chain may be longer than the interpreter's stack
    while unseen:
        error = unseen.pop()
        members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        for other in (error.__cause__, error.__context__, *members):
            if other is not None and id(other) not in shown:
                shown[id(other)] = other
                unseen.append(other)
    return list(shown.values())


def trim(error: BaseException, loader: str) -> None:
    """Take the library's frames out of the traceback of `error`.

    When no other frames are left, the library itself has failed, and its frames stay. But for a `Deadlock`, a
    `KeyboardInterrupt` and an error raised in `loader` the message says enough, and nothing stays. `loader` is the file
    that loads the program: an error raised there says that the program cannot be compiled.
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
