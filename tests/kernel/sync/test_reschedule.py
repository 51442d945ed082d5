"""Moving a timeout's deadline to what is no time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kernel import VirtualClock, now, run, sleep, timeout


@pytest.mark.parametrize("deadline, error", [(math.nan, ValueError), ("1", TypeError), (1j, TypeError)])
def test_a_deadline_that_is_none_is_refused_and_the_limit_stays(deadline: Any, error: type[Exception]) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(1) as limit:
                with pytest.raises(error):
                    limit.reschedule(deadline)
                assert limit.deadline == 1
                await sleep(60)
        assert await now() == 1

    run(main(), clock=VirtualClock())
