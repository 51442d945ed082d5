"""The listings of a program for asyncio, to the character."""

from __future__ import annotations

from typing import Any

from compat.events import EventLoop
from kernel import VirtualClock
from tests.support.listed import service
from tests.support.listings import golden, transcript


def test_a_service() -> None:
    def program(seen: list[dict[str, Any]]) -> None:
        loop = EventLoop(clock=VirtualClock())
        try:
            loop.run_until_complete(loop.create_task(service.main(seen), name="main"))
        finally:
            loop.close()

    assert transcript(program) == golden("service")
