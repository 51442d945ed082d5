"""A file that insight writes while a program runs, which may close all its descriptors, fork, or fill the disk."""

from __future__ import annotations

import os

from .places import identity


class Output:
    """The file behind a descriptor of ours. `failure` says why it is not complete: nothing is written after that."""

    def __init__(self, fd: int) -> None:
        self.failure: str | None = None
        self._fd = fd
        self._pid = os.getpid()
        self._identity = identity(fd)

    def write(self, data: bytes) -> None:
        """Write all of `data`. What a forked child process writes is left out."""
        if self.failure is not None or os.getpid() != self._pid:
            return
        if identity(self._fd) != self._identity:
            self.failure = "the program has closed its file"
            return
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._fd, left):]
        except OSError as error:
            self.failure = error.strerror or str(error)

    def close(self) -> None:
        """Close the descriptor, if it is still ours."""
        if identity(self._fd) == self._identity:
            os.close(self._fd)
            self._identity = None
