"""A program that goes on and on without a pause: time passes for it as well."""

from __future__ import annotations

import time

from tests.support.socket_cases import connected


async def test_time_passes_for_who_sends_and_receives_without_a_pause() -> None:
    async with connected() as (client, server):
        server.settimeout(5)
        began = time.monotonic()
        for _ in range(2000):
            client.send(b"x")
            assert server.recv(1) == b"x"
        assert time.monotonic() > began
