"""`tail -F` for any number of files at once: it prints what is appended to them, as soon as that happens.

    python3 -m kernel examples/kernel/tail_f.py --lines 10 /var/log/syslog /var/log/auth.log

When a file is replaced, as log rotation does, the program reads the new file from its start. When a file is truncated,
the program reads the file from its start again. It waits for a file that does not exist yet. Threads read the files, so
a slow disk does not hold up the other files. Ctrl-C and SIGTERM end the program.
"""

from __future__ import annotations

import argparse
import os
import sys
from signal import SIGINT, SIGTERM
from typing import BinaryIO

from kernel import TaskGroup, catch_signals, run_in_thread, sleep

CHUNK = 65536


def last_lines(file: BinaryIO, count: int) -> bytes:
    """The last `count` lines of `file`; afterwards its position is at its end."""
    position, found = file.seek(0, os.SEEK_END), b""
    while position and found.count(b"\n") <= count:
        size = min(CHUNK, position)
        position -= size
        file.seek(position)
        found = file.read(size) + found
    file.seek(0, os.SEEK_END)
    return b"".join(found.splitlines(keepends=True)[-count:]) if count else b""


class Tail:
    """Follows one file by its name."""

    def __init__(self, path: str, interval: float) -> None:
        self.path = path
        self.interval = interval
        self.file: BinaryIO | None = None

    def open(self, lines: int | None) -> bytes:
        """Open the file, if it exists, and return its last `lines` lines; with None, return its first bytes."""
        try:
            self.file = open(self.path, "rb")
        except OSError:
            return b""
        return self.read() if lines is None else last_lines(self.file, lines)

    def read(self) -> bytes:
        """The bytes that were appended, at most 64 KiB."""
        assert self.file is not None
        if os.fstat(self.file.fileno()).st_size < self.file.tell():
            self.file.seek(0)  # the file was truncated
        return self.file.read(CHUNK)

    def step(self) -> bytes:
        """The next bytes to print; notice that the file was replaced."""
        if self.file is None:
            return self.open(None)
        data = self.read()
        if not data and self.replaced():
            self.file.close()
            self.file = None
        return data

    def replaced(self) -> bool:
        assert self.file is not None
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self.file.fileno()))
        except OSError:
            return False  # the name is gone for now; somebody may still write to the open file

    async def follow(self, lines: int) -> None:
        """Print what is appended to the file, until cancelled."""
        try:
            # Without `abandon`, a cancellation waits for the thread: the file must not be closed while a thread reads
            # it.
            data = await run_in_thread(self.open, lines, abandon=False)
            while True:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
                data = await run_in_thread(self.step, abandon=False)
                if not data and self.file is not None:
                    await sleep(self.interval)
                elif not data:
                    data = await run_in_thread(self.open, None, abandon=False)
                    await sleep(0 if data else self.interval)
        finally:
            if self.file is not None:
                self.file.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description="Print what is appended to files, as tail -F does.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("-n", "--lines", type=int, default=10, help="lines to begin with (default: %(default)s)")
    parser.add_argument("-s", "--interval", type=float, default=0.2, help="seconds between looks (default: %(default)s)")
    options = parser.parse_args()
    async with catch_signals(SIGTERM, SIGINT) as signals, TaskGroup() as group:
        for path in options.files:
            await group.spawn(Tail(path, options.interval).follow(options.lines), name=f"follow {path}", daemon=True)
        async for _ in signals:
            break
