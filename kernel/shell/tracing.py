"""What watches a program from its beginning to its end: `--strace`, `-c`, `--record` and the like before the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from ..insight.recorder import Recorder
from ..insight.strace import Strace
from ..insight.summary import Summary
from ..insight.watching import Observer, watch_all
from ..recordings.sessions import Several
from ..recordings.tapes import Tape
from ..serving.outputs import Output
from .options import Options, WrongUse


class Trace:
    """Where a trace goes: whole lines, at once, so that a program that is killed leaves all that has happened."""

    def __init__(self, file: str | None) -> None:
        self._line = ""  # which has no end yet
        try:
            fd = os.dup(2) if file is None else os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        except OSError as error:
            raise WrongUse(f"cannot write to {file or 'standard error'}: {error.strerror}") from None
        self._output = Output(fd)

    @property
    def failure(self) -> str | None:
        """Why the trace is not complete, if it is not."""
        return self._output.failure

    def write(self, text: str) -> None:
        """Write the lines that `text` ends."""
        lines, end, self._line = (self._line + text).rpartition("\n")
        if end:
            self._output.write((lines + end).encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """End the last line, and close the file."""
        if self._line:
            self.write("\n")
        self._output.close()


class FlightRecorder(Recorder):
    """A recorder that writes to a file, which is there from the beginning, when an exception ends the program."""

    def __init__(self, file: str) -> None:
        super().__init__(file=file)
        try:
            open(file, "w").close()
        except OSError as error:
            raise WrongUse(f"cannot write to {file}: {error.strerror}") from None
        self._hook: Callable[..., object] = sys.excepthook
        self._pid = os.getpid()

    def write_out(self, reason: str) -> None:
        if os.getpid() == self._pid:  # not what a forked child process does
            super().write_out(reason)

    def __enter__(self) -> Recorder:
        # An exception of a native program does not come out of its `run`: what shows it is told of it.
        self._hook, sys.excepthook = sys.excepthook, self._on_exception
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        sys.excepthook = self._hook
        super().__exit__(kind, error, traceback)

    def _on_exception(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        super().__exit__(kind, error, traceback)
        self._hook(kind, error, traceback)


class Tracing(AbstractContextManager[None]):
    """While inside, every kernel that is made is watched as the options say. `WrongUse` when the file is not writable."""

    def __init__(self, options: Options, command: str) -> None:
        self._trace = Trace(options.file)
        self._command = command
        self._pid = os.getpid()
        self._strace = self._summary = self._recorder = self._tape = None
        observers: list[Observer] = []
        if options.recorder is not None:
            self._recorder = FlightRecorder(options.recorder)
            observers.append(self._recorder)
        if options.strace:
            self._strace = Strace(self._trace.write, options.kinds, durations=options.durations,
                                  relative=options.relative, task=options.task, data=options.data)
            observers.append(self._strace)
        if options.count:
            self._summary = Summary(options.kinds, task=options.task)
            observers.append(self._summary)
        if options.records:
            from .pictures import Pictures  # here, to save start-up time: most traces are text
            self._pictures = Pictures(options)
            try:
                self._tape = Tape(self._pictures.recording, options.data)
            except OSError as error:
                raise WrongUse(f"cannot write to {self._pictures.recording}: {error.strerror or error}") from None
            observers.append(self._tape)
        self._observer = Several(observers)

    def __enter__(self) -> None:
        watch_all(self._observer)
        if self._recorder is not None:
            self._recorder.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        watch_all(None)
        if self._recorder is not None:
            self._recorder.__exit__(kind, error, traceback)
        if self._strace is not None:
            self._strace.finish()
        if self._summary is not None:
            self._trace.write(self._summary.text())
        self._trace.close()
        if os.getpid() != self._pid:  # a forked child process
            return
        if self._trace.failure is not None:
            self._complain(f"the trace is not complete: {self._trace.failure}")
        if self._tape is not None:
            self._tape.close()
            if self._tape.failure is not None:
                self._complain(f"the recording is not complete: {self._tape.failure}")
            try:
                self._pictures.make()
            except (OSError, ValueError) as failure:  # the file is empty, for example, since the disk was full
                self._complain(f"no picture of the program was made: {failure}")

    def _complain(self, text: str) -> None:
        print(f"{self._command}: {text}", file=sys.stderr)
