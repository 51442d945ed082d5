"""Signals in a simulated run of an asyncio program: those that the program sends itself."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

import compat

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signals")


def test_the_handler_is_called_and_taken_away_again() -> None:
    before = signal.getsignal(signal.SIGUSR1), signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before[1])

    async def main() -> list[str]:
        loop, told, came = asyncio.get_running_loop(), list[str](), asyncio.Event()

        def handler(name: str) -> None:
            told.append(name)
            came.set()

        loop.add_signal_handler(signal.SIGUSR1, handler, "one")
        loop.call_later(5, os.kill, os.getpid(), signal.SIGUSR1)
        await came.wait()
        assert loop.time() == 5.0
        assert loop.remove_signal_handler(signal.SIGUSR1) and not loop.remove_signal_handler(signal.SIGUSR1)
        loop.add_signal_handler(signal.SIGUSR1, handler, "another")  # which the loop's end takes away
        signal.raise_signal(signal.SIGUSR1)
        await asyncio.sleep(0)
        return told

    assert compat.simulate(main) == ["one", "another"]
    assert (signal.getsignal(signal.SIGUSR1), signal.set_wakeup_fd(-1)) == (signal.SIG_DFL, -1)
    signal.set_wakeup_fd(before[1])


def test_what_cannot_be_caught() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="cannot be caught"):
            loop.add_signal_handler(signal.SIGKILL, print)
        with pytest.raises(ValueError):
            loop.add_signal_handler(signal.NSIG + 1, print)
        with pytest.raises(TypeError):
            loop.add_signal_handler(signal.SIGUSR1, main)

    compat.simulate(main)
