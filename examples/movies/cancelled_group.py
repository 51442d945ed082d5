"""A task group in which one child fails: the group cancels its siblings, and waits until they have cleaned up.

    python3 -m kernel examples/movies/cancelled_group.py

Look at the moment at two seconds, when the engine fails. The group makes both siblings ready at once, long before their
sleeps are over. Each of them goes on with `Cancelled`, and its `finally` takes one more second. Only then does `main`
go on, with the error of the engine.
"""

from kernel import TaskGroup, sleep


async def fly(seconds: float) -> None:
    try:
        await sleep(seconds)
    finally:
        await sleep(1)  # cleaning up may take its time


async def engine() -> None:
    await sleep(2)
    raise RuntimeError("out of fuel")


async def main() -> None:
    try:
        async with TaskGroup() as flight:
            await flight.spawn(fly(10), name="pilot")
            await flight.spawn(fly(20), name="steward")
            await flight.spawn(engine(), name="engine")
    except* RuntimeError as failed:
        print("the flight has ended:", *failed.exceptions)
