"""What the tests of descriptors are run with: every poller of this system, and a pair of sockets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from kernel import Poller
from kernel.devices.selector_poller import SelectorPoller
from tests.support.sockets import Pair, nonblocking_pair

makers: list[Callable[[], Poller]] = [SelectorPoller]
if sys.platform == "linux":
    from kernel.devices.epoll_poller import EpollPoller
    makers.insert(0, EpollPoller)


@pytest.fixture(params=makers, ids=lambda make: make.__name__)
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    """A poller; to be given to a kernel, which closes it."""
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with nonblocking_pair() as made:
        yield made
