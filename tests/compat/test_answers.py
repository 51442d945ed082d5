"""The answer of a request goes to that request, also in a task of compat's."""

from __future__ import annotations

from typing import Any

import pytest

import compat
from kernel import Syscall, checkpoint


class Answered(Syscall[None]):
    """Fails after it has left an answer."""

    def execute(self, kernel: Any, task: Any) -> bool:
        task.inbox = "left behind"
        raise ValueError("refused")

    def abort(self, kernel: Any, task: Any) -> None:
        """It never waits."""


def test_an_answer_that_a_failing_request_has_left_is_given_to_no_other() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="refused"):
            await Answered()
        assert await checkpoint() is None  # type: ignore[func-returns-value]

    compat.run(main())
