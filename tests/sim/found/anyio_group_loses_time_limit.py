"""anyio 4.16.0: a task group whose child fails just when asyncio's time limit comes swallows the cancellation: no limit."""
import asyncio
import time

import anyio


async def fail():
    await asyncio.sleep(0.9)
    raise ValueError


async def work():
    async with anyio.create_task_group() as group:
        group.start_soon(fail)
        group.start_soon(anyio.sleep, 60)


async def main():
    asyncio.get_running_loop().call_later(0.85, time.sleep, 0.2)  # a step of the program takes 0.2 s
    begin = time.monotonic()
    try:
        async with asyncio.timeout(1):
            try:
                await work()
            except* ValueError:
                print("a child has failed; try something else")
            await asyncio.sleep(3)
        print("no TimeoutError after", round(time.monotonic() - begin, 1), "s")
    except TimeoutError:
        print("TimeoutError after", round(time.monotonic() - begin, 1), "s")


asyncio.run(main())
