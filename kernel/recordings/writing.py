"""Writing a recording: lines of JSON that reach the file while the program runs.

The threads of the program add definitions and rows to two lists, which is all that recording costs them. A thread of
this module takes what is there ten times a second, and writes it. So a program that is killed loses the last tenth of a
second at most, and one that is stuck in a call loses nothing.
"""

from __future__ import annotations

import json
import linecache
import os
import signal
import struct
import sys
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from types import CodeType
from typing import Any

from ..serving.fork_warning import gone
from ..serving.outputs import Output
from ..snapshots.snapshots import directory, line_of
from .rows import VERSION

INTERVAL = 0.1  # seconds between two writes
LONGEST_SOURCE = 1 << 20  # characters of a source file that are kept
LONG = 1.0  # seconds that a fork, or the end, waits for a write
LEVEL = 1  # of compression: the quickest makes a sixth of it, and a higher one little less

Definition = dict[str, Any] | Callable[[], dict[str, Any]]  # what is quick to put together, or how to do it later


class Writer:
    """Takes definitions and rows from any thread, and writes them until it is closed.

    `rows.extend` is to be called with whole rows: in CPython no other thread sees half of one.
    """

    def __init__(self, path: str, data: bool) -> None:
        self.rows: list[int] = []
        self.network: list[int] = []  # rows of a simulated network
        self.definitions: list[Definition] = []
        self.begin = time.monotonic_ns()
        self._sources: set[str] = set()
        self._output = Output(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o666))
        self._packed: list[bytes] = []
        self._packing = threading.Lock()
        self._turn = threading.Lock()  # held by who writes
        self.closed = False
        self._write([{
            "recording": VERSION, "python": sys.version.partition(" ")[0], "pid": os.getpid(), "data": data,
            "argv": sys.argv if data else sys.argv[:1], "directory": directory(), "date": time.time(),
            "begin": self.begin}])
        try:
            self.start()
        except OSError:
            self._output.close()
            raise

    @property
    def failure(self) -> str | None:
        """Why the file is not complete, if it is not."""
        return self._output.failure

    def start(self) -> None:
        """Begin to write in a thread, or go on with it. `OSError` when the system has no thread."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write_on, args=(self._stopping,), name="kernel recording",
                                        daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise OSError(f"no thread can be started: {error}") from None

    def stop(self) -> None:
        """End the thread, after the write that it is at. One that takes too long for that ends later."""
        self._stopping.set()
        self._thread.join(LONG)
        gone(self._thread.native_id)

    def _write_on(self, stopping: threading.Event) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # a signal is for the program's threads
        while not stopping.wait(INTERVAL):
            self.flush()

    def pack(self) -> None:
        """Make one object of the rows that are there. To do so often saves time: rows do not leave the cache before."""
        with self._packing:
            count = len(self.rows)  # another thread may add to them meanwhile
            self._packed.append(struct.pack(f"<{count}q", *self.rows[:count]))
            del self.rows[:count]

    def flush(self) -> None:
        """Write what is there."""
        with self._turn:
            self.pack()
            count = len(self._packed)  # first: the definitions that these rows need are there
            network = self.network[:]
            self._define()
            packed = b"".join(self._packed[:count])
            del self._packed[:count]
            self._write_rows(b"integers", packed)
            del self.network[:len(network)]
            self._write_rows(b"network", struct.pack(f"<{len(network)}q", *network))

    def _write_rows(self, key: bytes, packed: bytes) -> None:
        if packed:
            compressed = b64encode(zlib.compress(packed, LEVEL))
            self._output.write(b'{"%s": %d, "data": "%s"}\n' % (key, len(packed) // 8, compressed))

    def _define(self) -> None:
        count = len(self.definitions)
        if not count:
            return
        lines: list[dict[str, Any]] = []
        for definition in self.definitions[:count]:
            if not isinstance(definition, dict):
                definition = definition()
            for file, *_ in definition.get("frames", ()):
                if file not in self._sources:
                    self._sources.add(file)
                    source = "".join(linecache.getlines(file))
                    if source and len(source) <= LONGEST_SOURCE:
                        lines.append({"file": file, "source": source})
            lines.append(definition)
        del self.definitions[:count]
        self._write(lines)

    def _write(self, lines: list[dict[str, Any]]) -> None:
        self._output.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())

    def close(self) -> None:
        """Write the rest, and close the file. Harmless when it is closed already."""
        if self.closed:
            return
        self.closed = True
        self.stop()
        self.flush()
        self._write([{"end": time.monotonic_ns()}])
        self._output.close()

    def forget(self) -> None:
        """Give the file up, in a forked child process: it is the parent's."""
        self.closed = True
        self._output.close()


def stack_definition(number: int, spots: list[tuple[CodeType, int]]) -> Callable[[], dict[str, Any]]:
    """The definition of a stack, which takes a while: each line is found by the offset of an instruction."""
    return lambda: {"stack": number, "frames": [[code.co_filename, line_of(code, offset), code.co_qualname]
                                                for code, offset in spots]}
