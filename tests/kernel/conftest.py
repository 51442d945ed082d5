"""What several test files ask of each of their tests."""

from __future__ import annotations

import gc
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail the test if a warning or worse is logged, as the kernel does when its exception hook fails."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


@pytest.fixture
def no_warnings() -> Iterator[None]:
    """Fail the test if anything is warned of, "was never awaited" above all."""
    gc.collect()  # what other tests have left
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Fail the test if a thread is left that was not there before."""
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before
