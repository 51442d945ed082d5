"""aiostream 0.8.1: leaving a stream swallows a cancellation (and a time limit) that comes while it cancels its tasks."""
import asyncio

from aiostream import pipe, stream


async def work(number):
    try:
        await asyncio.sleep(0.3 * (number + 1))
    finally:
        await asyncio.sleep(0.5)  # cleans up
    return number


async def user():
    async with (stream.iterate(range(5)) | pipe.map(work, task_limit=3)).stream() as numbers:
        async for _ in numbers:
            break
    await asyncio.sleep(2)  # goes on, although it was told to stop


async def main():
    begin = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(1):
            await user()
        print("the limit of 1 s was lost; it took", round(asyncio.get_running_loop().time() - begin, 1), "s")
    except TimeoutError:
        print("in time")
    task = asyncio.create_task(user())
    await asyncio.sleep(1)
    print("cancel:", task.cancel())
    await asyncio.wait([task])
    print("cancelled:", task.cancelled())


asyncio.run(main())
