"""tornado 6.6.1: a Lock that is handed to a task which is cancelled before it runs stays locked for ever."""
import asyncio

from tornado.locks import Lock


async def main():
    lock = Lock()

    async def use():
        async with lock:
            pass

    await lock.acquire()
    task = asyncio.create_task(use())
    await asyncio.sleep(0)
    lock.release()  # handed to the task
    task.cancel()  # before it runs
    await asyncio.wait([task])
    try:
        await asyncio.wait_for(lock.acquire(), 1)
        print("the lock is free")
    except TimeoutError:
        print("nobody has the lock, and nobody can get it:", lock)


asyncio.run(main())
