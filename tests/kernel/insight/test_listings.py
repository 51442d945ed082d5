"""What a person reads: the listings of two native programs, to the character, and how each listing deals with the odd."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Deadlock, VirtualClock, run
from tests.support.listed import circle, worker_pool
from tests.support.listings import golden, transcript

Seen = list[dict[str, Any]]


def test_a_pool_of_workers() -> None:
    assert transcript(lambda seen: run(worker_pool.main(seen), clock=VirtualClock())) == golden("worker_pool")


def test_groups_and_a_circle() -> None:
    def program(seen: Seen) -> None:
        with pytest.raises(Deadlock):
            run(circle.main(seen), clock=VirtualClock())

    assert transcript(program) == golden("circle")
