"""Events: who waits goes on when they are set."""

from __future__ import annotations

from kernel import Event, run, spawn
from tests.support.coroutines import turns


def test_an_event_wakes_all_in_order_and_stays_set() -> None:
    async def main() -> list[int]:
        event, order = Event(), list[int]()

        async def waiter(number: int) -> None:
            await event.wait()
            order.append(number)

        tasks = [await spawn(waiter(number)) for number in range(5)]
        await turns(2)
        assert order == [] and not event.is_set()
        event.set()
        event.clear()  # those that were woken go on all the same
        for task in tasks:
            await task
        late = await spawn(waiter(9))
        await turns(3)
        assert not late.done()
        event.set()
        await late
        await event.wait()
        return order

    assert run(main()) == [0, 1, 2, 3, 4, 9]
