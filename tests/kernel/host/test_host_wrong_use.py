"""Commands, functions and signals that are none, or another's: told of clearly, where they were given."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from kernel import catch_signals, open_process, run, run_in_thread, run_process, sleep, spawn, timeout
from kernel.host.signals import Signals


@pytest.mark.parametrize("function", [open_process, run_process])
@pytest.mark.parametrize("command, error", [
    ([], ValueError), ((), ValueError), (5, TypeError), (None, TypeError), (["sleep", 5], TypeError),
    (iter(["true"]), TypeError),
], ids=repr)
def test_what_is_no_command_is_refused_at_the_call(function: Callable[..., Any], command: Any,
                                                   error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"{function.__name__}\(\) takes"):
        function(command)


def test_input_and_timeout_of_a_program_are_checked_at_the_call() -> None:
    for input in "text", 5:
        with pytest.raises(TypeError, match="takes bytes as a program's input"):
            run_process(["cat"], input=input)  # type: ignore[arg-type]
    for seconds, error in ("1", TypeError), (float("nan"), ValueError):
        with pytest.raises(error, match=r"run_process\(\) takes a number of seconds"):
            run_process(["true"], timeout=seconds)  # type: ignore[arg-type]

    async def main() -> None:
        for input in bytearray(b"data"), memoryview(b"data"):
            assert (await run_process(["cat"], input=input, timeout=30)).stdout == b"data"  # type: ignore[arg-type]

    run(main())


class Odd:
    """Callable, and no more than that."""

    def __call__(self) -> str:
        return "called"

    def __repr__(self) -> str:
        raise LookupError("no name")


def test_a_function_that_cannot_be_shown_is_called_all_the_same() -> None:
    async def main() -> None:
        assert await run_in_thread(Odd()) == await run_in_thread(partial(Odd())) == "called"
        assert repr(run_in_thread(Odd())) == "run_in_thread(Odd)"
        assert repr(run_in_thread(partial(partial(time.sleep, 1)))) == "run_in_thread(sleep)"

    run(main())


def test_a_signal_that_is_named_twice_comes_once() -> None:
    async def main() -> None:
        async with catch_signals(signal.SIGUSR1, signal.SIGUSR1) as signals:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert await signals.get() == signal.SIGUSR1
            with pytest.raises(TimeoutError):
                async with timeout(0.01):
                    await signals.get()

    run(main())


def test_signals_of_another_kernel_cannot_be_waited_for() -> None:
    """That kernel would wake the task in the wrong thread."""
    errors: list[str] = []

    def other(signals: Signals) -> None:
        async def main() -> None:
            await signals.get()

        with pytest.raises(RuntimeError) as caught:
            run(main())
        errors.append(str(caught.value))

    async def main() -> None:
        async with catch_signals(signal.SIGUSR1) as signals:
            waiter = await spawn(signals.get().__await__())
            thread = threading.Thread(target=other, args=(signals,))
            thread.start()
            while thread.is_alive():
                await sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)
            assert await waiter == signal.SIGUSR1

    run(main())
    assert len(errors) == 1 and "another kernel catches" in errors[0]
