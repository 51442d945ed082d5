"""Recordings of programs as text, and what `Strace` writes of the same run."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernel import Deadlock, VirtualClock, run
from kernel.insight import Strace, record
from kernel.insight.requests import without_state
from kernel.recordings.reading import Recording, read
from kernel.recordings.texts import write_text


def recorded(program: Any, directory: Path, *, virtual: bool = True, raises: tuple[type[Exception], ...] = ()) -> Recording:
    """What a native program does, which may raise one of those exceptions."""
    return recorded_call(lambda: run(program, clock=VirtualClock() if virtual else None), directory, raises=raises)


def recorded_call(call: Callable[[], object], directory: Path, *, data: bool = True,
                  raises: tuple[type[Exception], ...] = ()) -> Recording:
    """What the kernels do that `call` makes."""
    file = directory / "recording"
    with record(file, data=data), suppress(*raises):
        call()
    return read(file)


def text_of(recording: Recording, **options: Any) -> str:
    """The recording as text."""
    stream = io.StringIO()
    write_text(recording, stream, **options)
    return stream.getvalue()


def traced_and_recorded(call: Callable[[Strace], object], directory: Path, **options: Any) -> tuple[str, str]:
    """What `Strace` writes while `call` runs a program that it observes, and what a recording of the same run says.

    Strace shows in what state a queue, for example, was when a request was made. That is left out.
    """
    pieces: list[str] = []
    recording = recorded_call(lambda: call(Strace(pieces.append, **options)), directory, raises=(Deadlock,))
    traced = re.sub(r"(?<=\] )<(?!\.\.\. ).*?(?= = | <unfinished|$)", lambda found: without_state(found[0]),
                    "".join(pieces), flags=re.MULTILINE)
    return traced, text_of(recording, **options)
