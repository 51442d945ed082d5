"""The exception hook: by default the log, and what happens when it fails itself."""

from __future__ import annotations

import gc
import logging

import pytest

from kernel import VirtualClock, run, sleep, spawn
from tests.support.coroutines import leave


async def fails(what: str = "nobody waits") -> None:
    raise LookupError(what)


def test_by_default_failures_are_logged_with_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    run(leave(fails(), name="the failed one"))
    gc.collect()
    record, = caplog.records
    assert record.name == "kernel" and record.levelno == logging.ERROR and "the failed one" in record.getMessage()
    assert "in fails" in caplog.text and "nobody waits" in caplog.text


def test_an_exception_hook_that_fails_is_reported_and_so_is_what_it_was_told(caplog: pytest.LogCaptureFixture) -> None:
    def hook(message: str, error: BaseException) -> None:
        raise ZeroDivisionError("in the hook")

    async def main() -> str:
        await spawn(fails(), daemon=True)
        await sleep(1)
        return "lives"

    assert run(main(), clock=VirtualClock(), exception_hook=hook) == "lives"
    assert "in the hook" in caplog.text and "nobody waits" in caplog.text
