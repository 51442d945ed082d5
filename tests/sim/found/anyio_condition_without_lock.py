"""anyio 4.16.0: a native cancellation after notify() makes Condition.wait() end without its lock: RuntimeError hides it."""
import asyncio

import anyio


async def main():
    condition = anyio.Condition()

    async def consume():
        try:
            async with asyncio.timeout(10), condition:
                await condition.wait()
        except TimeoutError:
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.1)
    async with condition:
        condition.notify()
    await asyncio.sleep(0)  # the task takes the lock again, and yields in "shielded" acquire()
    task.cancel()
    await asyncio.wait([task])
    print("cancelled" if task.cancelled() else repr(task.exception()))


asyncio.run(main())
