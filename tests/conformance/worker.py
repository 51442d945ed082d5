"""One process that runs the tests of one module, and writes down each result the moment it is known.

    python -m tests.conformance.worker stock|ours test_tasks JOURNAL

The journal has a JSON object a line. Tests that it says were started are left out: so a process that takes over from
one that hung or crashed goes on where that one ended.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "test.test_asyncio."
TEST_SECONDS = 90.0  # a test that has not ended after this hangs; CPython's longest take some twenty seconds


class Journal(unittest.TestResult):
    """Writes down what becomes of each test: planned, started, then passed, failed or skipped."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def write(self, test: str, outcome: str, details: str = "") -> None:
        write(self._path, test, outcome, details)

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.write(name_of(test), "started")
        faulthandler.dump_traceback_later(TEST_SECONDS, exit=True)

    def stopTest(self, test: unittest.TestCase) -> None:
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.write(name_of(test), "passed")

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.write(name_of(test), "failed", self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.write(name_of(test), "failed", self.failures[-1][1])

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.write(name_of(test), "failed", "".join(traceback.format_exception(*err)))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.write(name_of(test), "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.write(name_of(test), "passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.write(name_of(test), "failed", "it was expected to fail")


def name_of(test: unittest.TestCase) -> str:
    return test.id().removeprefix(PACKAGE)


def tests_in(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def write(path: Path, test: str, outcome: str, details: str = "") -> None:
    with path.open("a") as file:
        file.write(json.dumps({"test": test, "outcome": outcome, "details": details}) + "\n")


def read(path: Path) -> dict[str, tuple[str, str]]:
    """The last outcome of each test in a journal, and its details."""
    entries = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return {entry["test"]: (entry["outcome"], entry["details"]) for entry in entries}


def main() -> None:
    mode, module, path = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    # As it is in a terminal, also where this runs with SIGINT ignored (`nohup make test &`): some tests wait for Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if mode == "ours":
        from .substitute import substitute

        substitute()
    tests = list(tests_in(unittest.defaultTestLoader.loadTestsFromName(PACKAGE + module)))
    known = read(path)
    journal = Journal(path)
    for test in tests:
        if name_of(test) not in known:
            journal.write(name_of(test), "planned")
    known = read(path)
    unittest.TestSuite(test for test in tests if known[name_of(test)][0] == "planned").run(journal)
    journal.write("", "finished")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that a failed test has left behind are not waited for


if __name__ == "__main__":
    main()
