"""What the tests of processes are run with: both ways of noticing that one has exited."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.descriptors import open_descriptors
from tests.support.process_list import children_of_this_process, refused


@pytest.fixture(params=["pidfd", "thread"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways; and after every test no descriptor and no child is left."""
    if request.param == "thread":
        monkeypatch.setattr(os, "pidfd_open", refused, raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd")
    before, children = open_descriptors(), children_of_this_process()
    yield
    assert open_descriptors() == before
    assert children_of_this_process() == children
