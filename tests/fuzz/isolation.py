"""Running something in a process of its own, which may hang or crash without harm to the fuzzer."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Died(Exception):
    """The process hung and was killed, or it ended without a result."""


def isolated(function: Callable[[], T], seconds: float) -> T:
    """What `function()` returns, called in a forked process that is killed after `seconds`.

    Raises `Died` when the process gave no result. An exception in it is the fuzzer's own defect: it is printed, and
    raises `RuntimeError`.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # where the caller has threads, since Python 3.12
        child = os.fork()
    if child == 0:
        _serve(function, reading, writing)
    os.close(writing)
    try:
        data = _read(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        if os.waitpid(child, os.WNOHANG)[0] == 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if data is None:
        raise Died(f"did not end within {seconds:g} seconds")
    if not data:
        raise Died("the process ended without a result")
    failed, result = pickle.loads(data)
    if failed:
        raise RuntimeError(f"the fuzzer itself failed:\n{result}")
    return result  # type: ignore[no-any-return]  # what the function has returned


def _serve(function: Callable[[], object], reading: int, writing: int) -> None:
    """The forked process: it goes no further than this."""
    try:
        os.close(reading)
        gc.freeze()  # the garbage of the program is to be collected, quickly, and not that of what was there before
        warnings.simplefilter("ignore")  # a coroutine that is never started, and the like: random programs do not care
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            data = pickle.dumps((False, function()))
        except BaseException:
            data = pickle.dumps((True, traceback.format_exc()))
        while data:
            data = data[os.write(writing, data):]
    finally:
        os._exit(0)


def _read(fd: int, deadline: float) -> bytes | None:
    """All that is written to `fd` until it is closed; None when that is not before the deadline."""
    chunks: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return None
        chunk = os.read(fd, 65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
