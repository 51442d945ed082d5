"""Fixtures for the tests of compat."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import compat

from tests.support.sockets import Pair, nonblocking_pair


@pytest.fixture
def loop() -> Iterator[compat.EventLoop]:
    """A loop that is not the current one."""
    loop = compat.EventLoop()
    yield loop
    loop.close()


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection: what goes has to go by its reference count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with nonblocking_pair() as sockets:
        yield sockets
