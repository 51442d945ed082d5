"""Fixtures for the tests of compat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sockets import Pair, nonblocking_pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    with nonblocking_pair() as sockets:
        yield sockets
