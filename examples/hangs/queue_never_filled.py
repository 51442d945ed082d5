"""A queue is never filled: the only task that fills it has ended, and did not close the queue.

    python3 -m kernel examples/hangs/queue_never_filled.py

No further command is needed: nothing can wake the tasks that are left, so the kernel raises `Deadlock`. Its message says
what each of them waits for. The mend is `queue.close()` after the loop.
"""

from kernel import Queue, TaskGroup, sleep


async def cook(dishes: Queue[str]) -> None:
    for dish in ("soup", "bread"):
        await sleep(0.1)
        await dishes.put(dish)


async def wait_at_table(dishes: Queue[str]) -> None:
    async for dish in dishes:
        print("here is your", dish, flush=True)


async def main() -> None:
    dishes: Queue[str] = Queue()
    async with TaskGroup() as group:
        await group.spawn(cook(dishes), name="cook")
        await group.spawn(wait_at_table(dishes), name="waiter")
    print("closing time")
