"""A queue is never filled, with asyncio's names: `gather` waits for a task that waits at an empty queue.

    python3 -m compat examples/hangs/queue_never_filled_asyncio.py
    trampoline tree PID

An event loop has no `Deadlock`: it waits for ever, and prints nothing. `tree` shows that `main` awaits the waiter, and
that this one waits in `Queue.get`. Nobody is left who could put something into the queue.
"""

import asyncio


async def cook(dishes: asyncio.Queue[str]) -> None:
    for dish in ("soup", "bread"):
        await dishes.put(dish)


async def wait_at_table(dishes: asyncio.Queue[str]) -> None:
    while dish := await dishes.get():
        print("here is your", dish, flush=True)


async def main() -> None:
    dishes: asyncio.Queue[str] = asyncio.Queue()
    waiter = asyncio.create_task(wait_at_table(dishes), name="waiter")
    await asyncio.gather(cook(dishes), waiter)


asyncio.run(main())
