"""Signals that are caught by tasks which outlive the program's main one, and what is left of that."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from signal import SIGINT, SIGUSR1
from typing import Any

import pytest

from kernel import catch_signals, checkpoint, run, sleep, spawn
from tests.support.coroutines import leave


@pytest.fixture(autouse=True)
def python_handles_ctrl_c() -> Generator[None, None, None]:
    previous = signal.signal(SIGINT, signal.default_int_handler)
    yield
    signal.signal(SIGINT, previous)


async def catch(*numbers: int) -> None:
    async with catch_signals(*numbers):
        await sleep(1000)


async def leave_a_catcher() -> None:
    await spawn(catch(SIGINT, SIGUSR1))
    await checkpoint()


def test_the_handlers_are_those_from_before_the_run() -> None:
    run(leave_a_catcher())
    assert signal.getsignal(SIGINT) is signal.default_int_handler
    assert signal.getsignal(SIGUSR1) is signal.SIG_DFL


def test_a_block_that_is_never_left_ends_with_the_kernel() -> None:
    async def main() -> None:
        await catch_signals(SIGINT, SIGUSR1).__aenter__()
        assert signal.getsignal(SIGUSR1) is not signal.SIG_DFL

    run(main())
    assert signal.getsignal(SIGINT) is signal.default_int_handler
    assert signal.getsignal(SIGUSR1) is signal.SIG_DFL


def test_ctrl_c_in_the_next_run_cancels_its_main_task() -> None:
    ended: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), SIGINT)
            await sleep(30)
        finally:
            await checkpoint()
            ended.append("in good order")

    run(leave_a_catcher())
    with pytest.raises(KeyboardInterrupt):
        run(main())
    assert ended == ["in good order"]


def test_ctrl_c_during_the_shutdown_goes_to_who_catches_it() -> None:
    got: list[int] = []

    async def catcher() -> None:
        async with catch_signals(SIGINT) as signals:
            try:
                await sleep(1000)
            finally:
                os.kill(os.getpid(), SIGINT)
                got.append(await signals.get())

    run(leave(catcher()))
    assert got == [SIGINT]
    assert signal.getsignal(SIGINT) is signal.default_int_handler


def test_a_handler_that_the_program_sets_inside_the_block_stays() -> None:
    def handler(number: int, frame: Any) -> None: ...

    async def main() -> None:
        async with catch_signals(SIGUSR1):
            signal.signal(SIGUSR1, handler)
        assert signal.getsignal(SIGUSR1) is handler

    previous = signal.getsignal(SIGUSR1)
    try:
        run(main())
        assert signal.getsignal(SIGUSR1) is handler
    finally:
        signal.signal(SIGUSR1, previous)
