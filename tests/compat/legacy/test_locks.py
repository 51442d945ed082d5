"""`with (yield from lock)` and `with await lock`."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from tests.compat.legacy.old_code import Gen, compat, quiet, warned

YIELD_FROM = "'with (yield from lock)' is deprecated use 'async with lock' instead"
AWAIT = "'with await lock' is deprecated use 'async with lock' instead"


@pytest.mark.parametrize("name", ["Lock", "Condition", "Semaphore", "BoundedSemaphore"])
def test_with_yield_from_lock(name: str) -> None:
    @quiet
    def main() -> Gen:
        lock = getattr(compat, name)()
        with warned(YIELD_FROM):
            manager = yield from lock  # here
        with manager as nothing:
            inside = nothing is None and lock.locked()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with (yield from lock):
                inside = inside and lock.locked()
        return inside, lock.locked()

    assert compat.run(main()) == (True, False)


@pytest.mark.parametrize("name", ["Lock", "Condition", "Semaphore", "BoundedSemaphore"])
def test_with_await_lock(name: str) -> None:
    async def main() -> tuple[bool, bool]:
        lock = getattr(compat, name)()
        with warned(AWAIT):
            manager = await lock  # here
        with manager as nothing:
            inside = nothing is None and lock.locked()
        return inside, lock.locked()

    assert compat.run(main()) == (True, False)


@pytest.mark.filterwarnings("ignore:'with")
def test_the_lock_is_released_by_an_exception_and_waited_for() -> None:
    order: list[str] = []

    async def main() -> None:
        lock = compat.Lock()

        @quiet
        def first() -> Gen:
            with (yield from lock):
                order.append("first")
                yield from compat.sleep(0)
                raise LookupError("inside")

        async def second() -> None:
            with await lock:
                order.append("second")

        results = await compat.gather(first(), second(), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError, type(None)]
        assert not lock.locked()

    compat.run(main())
    assert order == ["first", "second"]


@pytest.mark.filterwarnings("ignore:'with")
def test_waiting_for_the_lock_can_be_cancelled() -> None:
    async def main() -> Any:
        lock = compat.Lock()
        await lock.acquire()

        async def waiter() -> None:
            with await lock:
                raise AssertionError("nobody has released it")

        task = compat.create_task(waiter())
        await compat.sleep(0)
        task.cancel()
        await compat.wait([task])
        assert task.cancelled()
        lock.release()
        return lock.locked()

    assert compat.run(main()) is False


def test_with_lock_alone_is_refused() -> None:
    with pytest.raises(RuntimeError, match='"yield from" should be used as context manager expression'):
        with compat.Lock():
            pass


def test_the_modern_way_does_not_warn() -> None:
    async def main() -> None:
        for lock in compat.Lock(), compat.Condition(), compat.Semaphore(), compat.BoundedSemaphore():
            async with lock:
                assert lock.locked()
            assert not lock.locked()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compat.run(main())
