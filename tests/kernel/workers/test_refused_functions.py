"""What cannot be called in a thread or in a process is refused at the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kernel import Syscall, run_in_process, run_in_thread
from tests.support.coroutines import sleeper


each_call = pytest.mark.parametrize("call", [run_in_thread, run_in_process])


@each_call
@pytest.mark.parametrize("thing", ["text", None, 1.5, object()])
def test_what_is_no_function_is_refused_at_the_call(call: Callable[[Any], Syscall[Any]], thing: Any) -> None:
    with pytest.raises(TypeError, match=rf"{call.__name__}\(\) takes a function and its arguments"):
        call(thing)


@each_call
def test_a_coroutine_function_is_refused_at_the_call(call: Callable[..., Syscall[Any]]) -> None:
    """A thread would make the coroutine, and nobody would run it."""
    with pytest.raises(TypeError, match=r"takes an ordinary function.* sleeper is an async function; .*await"):
        call(sleeper, 1)
