"""What the tests of offering and of the console command have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.insight import withdraw
from tests.support.offered import Place


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A directory for sockets that only this test uses, here and in the programs that it starts."""
    runtime = Path(os.path.realpath(tmp_path_factory.mktemp("run")))
    runtime.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv("TRAMPOLINE_INSIGHT", raising=False)
    yield Place(runtime)
    withdraw()
