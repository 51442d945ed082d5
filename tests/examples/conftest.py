"""What the tests of programs that are looked into have in common."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.offered import Place


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A directory for sockets that only the programs of this test use."""
    runtime = Path(os.path.realpath(tmp_path_factory.mktemp("run")))
    runtime.chmod(0o700)
    return Place(runtime)
