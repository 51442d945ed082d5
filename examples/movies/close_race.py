"""Two races against a time limit of one second, each decided by a thousandth of a second.

    python3 -m kernel examples/movies/close_race.py

The hare has its answer at 0.999 seconds, so it leaves the block of the timeout in time, and nobody hears of the limit.
The tortoise would have its answer at 1.001 seconds. The timer of its timeout fires before that: the tortoise goes on
with `Cancelled`, and the block turns this into `TimeoutError`. Its answer never comes, however near it was.
"""

from kernel import TaskGroup, sleep, timeout


async def answer(seconds: float) -> str:
    await sleep(seconds)
    return "the answer"


async def race(seconds: float) -> str:
    try:
        async with timeout(1):
            return await answer(seconds)
    except TimeoutError:
        return "too late"


async def main() -> None:
    async with TaskGroup() as group:
        hare = await group.spawn(race(0.999), name="hare")
        tortoise = await group.spawn(race(1.001), name="tortoise")
    print("hare:", await hare)
    print("tortoise:", await tortoise)
