"""How the process that measures gives orders to the worker processes, and how they answer."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LONGEST_ROUND = 300.0  # seconds; a process that takes longer hangs
LONGEST_START = 60.0  # seconds until a worker is ready; it does the work in small first


class Failed(Exception):
    """A contender could not do the work; the message is the last line of what it said."""


class Worker:
    """A process that works for one contender. It runs `python -m benchmarks.worker`.

    It reads orders, and answers each with one line of JSON. When it ends instead of answering, or does not answer
    in time, `ask` raises `Failed`.
    """

    def __init__(self, workload: str, contender: str, quick: bool) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", workload, contender, *(["--quick"] if quick else [])]
        self._complaints = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._complaints, text=True)

    def ask(self, order: str = "") -> Any:
        """Give the order and wait for the answer; without an order, wait for what the worker says by itself."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if order:
            try:
                print(order, file=self._process.stdin, flush=True)
            except BrokenPipeError:
                raise self._failure() from None
        longest = LONGEST_ROUND if order else LONGEST_START
        if not select.select([self._process.stdout], [], [], longest)[0]:
            raise Failed(f"no answer in {longest:.0f} s")
        answer = self._process.stdout.readline()
        if not answer:
            raise self._failure()
        return json.loads(answer)

    def _failure(self) -> Failed:
        """Why the worker has ended."""
        status = self._process.wait()
        return Failed(self.last_words() or f"ended with status {status}")

    def last_words(self) -> str:
        """The last line that the worker has written to its standard error."""
        self._complaints.seek(0)
        lines = self._complaints.read().strip().splitlines()
        return lines[-1].strip() if lines else ""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._process.communicate(timeout=10)  # the end of its input is the order to end
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._complaints.close()


def tell(answer: Any) -> None:
    """Answer an order, in a worker."""
    print(json.dumps(answer), flush=True)
