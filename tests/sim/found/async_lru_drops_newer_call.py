"""async-lru 2.4.0: a call that was given up removes the entry of a newer call, so the function runs twice at a time."""
import asyncio

from async_lru import alru_cache

running = most = calls = 0


@alru_cache
async def profile(user):
    global running, most, calls
    calls += 1
    running += 1
    most = max(most, running)
    try:
        await asyncio.sleep(1)  # the database answers
        return user
    finally:
        await asyncio.sleep(0.2)  # the connection is closed, also after a cancellation
        running -= 1


async def main():
    try:
        async with asyncio.timeout(0.5):
            await profile("ann")  # gives up: its task is cancelled, and ends at 0.7
    except TimeoutError:
        pass
    second = asyncio.create_task(profile("ann"))  # at 0.5: a new task, and a new entry
    await asyncio.sleep(0.3)  # at 0.7 the done callback of the first task pops the entry of the second
    third = asyncio.create_task(profile("ann"))  # should wait for the second; the function is called again
    await second
    await third
    print("calls that ran at the same time after the first had ended:", calls - 1, "(expected 1)")
    print("cached at the end:", profile.cache_info().currsize)


asyncio.run(main())
