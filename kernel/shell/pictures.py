"""What is made of a recording: by the commands `show`, `timeline` and `movie`, and at the end of a program."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import TextIO

from ..recordings.movies import movie
from ..recordings.reading import Recording, Unreadable, read
from ..recordings.texts import write_text
from ..recordings.timelines import write_timeline
from .client import Unreachable
from .options import Options, WrongUse

Write = Callable[[Recording, TextIO], None]


def write_movie(recording: Recording, stream: TextIO) -> None:
    stream.write(movie(recording))


def opened(file: str) -> TextIO:
    """The file, to be written to."""
    try:
        return open(file, "w", encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"cannot write to {file}: {error.strerror}") from None


def recording_in(arguments: list[str], command: str) -> Recording:
    """The recording that the one argument names. Where it ends too early, that is said."""
    if len(arguments) != 1:
        raise WrongUse("give the file of one recording, which 'python -m kernel --record FILE' and the like write")
    try:
        recording = read(arguments[0])
    except OSError as error:
        raise Unreachable(f"cannot read {arguments[0]}: {error.strerror}") from None
    except Unreadable as error:
        raise Unreachable(str(error)) from None
    for remark in (recording.damage, None if recording.tasks else "nothing happened: no kernel ran"):
        if remark is not None:
            print(f"trampoline {command}: {arguments[0]}: {remark}", file=sys.stderr)
    return recording


def do_show(options: Options, arguments: list[str]) -> None:
    """Print a recording as strace text."""
    recording = recording_in(arguments, "show")
    stream = sys.stdout if options.file is None else opened(options.file)
    write_text(recording, stream, options.kinds, durations=options.durations, relative=options.relative,
               task=options.task, data=options.data)
    stream.flush()


def do_timeline(options: Options, arguments: list[str]) -> None:
    """Make a timeline of a recording."""
    written = make("timeline", write_timeline, ".json", options, arguments)
    print(f"{written}: open it at ui.perfetto.dev or chrome://tracing")


def do_movie(options: Options, arguments: list[str]) -> None:
    """Make a movie of a recording."""
    print(f"{make('movie', write_movie, '.html', options, arguments)}: open it in a browser")


def make(command: str, write: Write, suffix: str, options: Options, arguments: list[str]) -> str:
    """Make a file of a recording, and return its name."""
    if not options.data:
        raise WrongUse("--no-data has to be given when the program is recorded; 'trampoline show' can leave values out later")
    recording = recording_in(arguments, command)
    file = options.file or arguments[0].removesuffix(".rec") + suffix
    with opened(file) as stream:
        write(recording, stream)
    return file


PICTURES: dict[str, Callable[[Options, list[str]], None]] = {
    "show": do_show, "timeline": do_timeline, "movie": do_movie}


class Pictures:
    """What is to be made when the program ends: each file is there from the beginning, so that one sees if it can be."""

    def __init__(self, options: Options) -> None:
        self._folder = None if options.record is not None else tempfile.TemporaryDirectory(prefix="trampoline-")
        self.recording: str = options.record or os.path.join(self._folder.name, "recording")  # type: ignore[union-attr]
        wanted = (options.timeline, write_timeline), (options.movie, write_movie)
        self._files: list[tuple[TextIO, Write]] = [(opened(file), write) for file, write in wanted if file is not None]

    def make(self) -> None:
        """Make the files. Raises `OSError` when one cannot be written, and `Unreadable` when nothing could be recorded."""
        if self._files:
            recording = read(self.recording)
            for stream, write in self._files:
                with stream:
                    write(recording, stream)
        if self._folder is not None:
            self._folder.cleanup()
