"""What the numbers of a recording mean, as text in JSON; each is put together once, since many events have it."""

from __future__ import annotations

import json
import os
from typing import Any

from .reading import Recording


def quoted(text: str) -> str:
    """The text in JSON, for a file in UTF-8: Perfetto shows escapes in names as they are."""
    return json.dumps(text.encode("utf-8", "backslashreplace").decode(), ensure_ascii=False)


class Words:
    """The texts of one recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._directory = recording.header.get("directory")
        self._requests: dict[int, str] = {}
        self._functions: dict[int, tuple[str, str]] = {}
        self._answers: dict[int, str] = {0: ""}
        self._causes: dict[int, str] = {}

    def request(self, number: int) -> str:
        found = self._requests.get(number)
        if found is None:
            request = self._recording.requests.get(number)
            found = self._requests[number] = quoted("a request" if request is None else request["text"])
        return found

    def place(self, number: int) -> tuple[str, str]:
        """The function that has made a request, and where that is: "main.py:12 in main"."""
        found = self._functions.get(number)
        if found is None:
            request = self._recording.requests.get(number, {})
            frames = self._recording.stacks.get(request.get("stack", 0))
            found = self._functions[number] = self.spot(frames[-1] if frames else None)
        return found

    def spot(self, frame: list[Any] | None) -> tuple[str, str]:
        """The same for a frame."""
        if frame is None:
            return '"?"', '"?"'
        file, line, function = frame
        if self._directory and file.startswith(f"{self._directory}{os.sep}"):
            file = os.path.relpath(file, self._directory)
        return quoted(function), quoted(f"{file}:{line} in {function}")

    def answer(self, number: int) -> str:
        """The argument that tells with which answer a task goes on; empty for None."""
        found = self._answers.get(number)
        if found is None:
            text = quoted(self._recording.texts.get(abs(number), "?"))
            found = self._answers[number] = f'"{"answer" if number > 0 else "raised"}":{text}'
        return found

    def cause(self, number: int) -> str:
        found = self._causes.get(number)
        if found is None:
            found = self._causes[number] = quoted(self._recording.cause(number))
        return found
