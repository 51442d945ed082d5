"""Fixtures for the tests of what asyncio has dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import compat


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of ours that is not the current one."""
    loop = compat.new_event_loop()
    yield loop
    loop.close()
