"""A task of an event loop tells those who were added by `add_waiter`, as a native task does."""

from __future__ import annotations

from typing import Any

import compat
from tests.support.waiters import Note, failing, returning


def test_it_tells_the_value_the_failure_and_the_cancellation() -> None:
    log: list[tuple[str, Any]] = []

    async def main() -> None:
        tasks: list[Any] = [compat.create_task(code) for code in (returning(), failing(), compat.sleep(1000))]
        for task in tasks:
            task.add_waiter(Note(log))
        await compat.sleep(0)
        tasks[2].cancel()
        await compat.sleep(0.01)

    compat.run(main())
    assert log[0] == ("value", 42) and str(log[1][1]) == "failed" and type(log[2][1]) is compat.CancelledError
