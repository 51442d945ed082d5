"""Exceptions of native waits in asyncio's tasks."""

from __future__ import annotations

import compat
import kernel


def test_nothing_of_a_failure_is_left_for_the_next_answer() -> None:
    def fail() -> None:
        raise ValueError

    async def main() -> object:
        try:
            await kernel.run_in_thread(fail)
        except ValueError:
            pass
        return await kernel.Lock().acquire()  # type: ignore[func-returns-value]  # it is to return nothing

    assert compat.run(main()) is None
