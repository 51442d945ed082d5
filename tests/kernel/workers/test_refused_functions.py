"""What cannot be called in a thread or in a process is refused at the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kernel import run_in_process, run_in_thread
from kernel.syscalls import Syscall
from tests.support.coroutines import sleeper


def test_what_is_no_function_is_refused_at_the_call() -> None:
    for call in run_in_thread, run_in_process:
        with pytest.raises(TypeError, match="takes a function and its arguments"):
            call("no function")  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [run_in_thread, run_in_process])
def test_a_coroutine_function_is_refused_at_the_call(call: Callable[..., Syscall[Any]]) -> None:
    """A thread would make the coroutine, and nobody would run it."""
    with pytest.raises(TypeError, match=r"takes an ordinary function.* sleeper is an async function; .*await"):
        call(sleeper, 1)
