"""Commands, and what is given along with them, that cannot be: refused at the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kernel import open_process, run, run_process


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
