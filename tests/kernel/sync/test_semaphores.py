"""Semaphores: so many at a time, and not one release too many."""

from __future__ import annotations

import pytest

from kernel import Semaphore, checkpoint, run, spawn


def test_a_semaphore_counts_and_refuses_one_release_too_many() -> None:
    async def main() -> int:
        semaphore, inside, most = Semaphore(3, maximum=3), 0, 0

        async def user() -> None:
            nonlocal inside, most
            async with semaphore:
                inside += 1
                most = max(most, inside)
                await checkpoint()
                inside -= 1

        for task in [await spawn(user()) for _ in range(10)]:
            await task
        assert semaphore.value == 3
        with pytest.raises(ValueError, match="more often than acquired"):
            semaphore.release()
        return most

    assert run(main()) == 3
    with pytest.raises(ValueError):
        Semaphore(-1)
    with pytest.raises(ValueError):
        Semaphore(3, maximum=2)
