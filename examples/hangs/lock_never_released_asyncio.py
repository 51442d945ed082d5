"""A lock is never released, with asyncio's names: a task holds it, and waits for an answer that does not come.

    python3 -m compat examples/hangs/lock_never_released_asyncio.py
    trampoline locks PID

A lock of asyncio does not know who holds it. `locks` finds the task that is inside of `async with lock:`.
"""

import asyncio


async def serve(lock: asyncio.Lock, kitchen: asyncio.Event, customer: str) -> None:
    async with lock:
        await kitchen.wait()  # which nobody sets
        print(customer, "is served")


async def beat() -> None:
    while True:
        await asyncio.sleep(0.5)
        print("the shop is open", flush=True)


async def main() -> None:
    lock, kitchen = asyncio.Lock(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(beat(), name="heartbeat")
        for customer in ("Ann", "Bob", "Cid"):
            group.create_task(serve(lock, kitchen, customer), name=customer)


asyncio.run(main())
