"""A circle of waits, with asyncio's names: two tasks take the same two locks, in a different order.

    python3 -m compat examples/hangs/circle_of_locks_asyncio.py
    trampoline ps PID

The picture at the end shows the circle, although a lock of asyncio does not know who holds it.
"""

import asyncio


async def transfer(source: asyncio.Lock, target: asyncio.Lock) -> None:
    async with source:
        await asyncio.sleep(0.1)
        async with target:
            print("transferred")


async def beat() -> None:
    while True:
        await asyncio.sleep(0.5)
        print("the bank is open", flush=True)


async def main() -> None:
    ann, bob = asyncio.Lock(), asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        group.create_task(beat(), name="heartbeat")
        group.create_task(transfer(ann, bob), name="Ann to Bob")
        group.create_task(transfer(bob, ann), name="Bob to Ann")


asyncio.run(main())
