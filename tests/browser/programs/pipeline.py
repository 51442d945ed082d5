"""A producer and two consumers with a queue that is soon full, and a lock; in virtual time."""

import sys

from kernel import Lock, Queue, TaskGroup, VirtualClock, run, sleep
from kernel.insight import record


async def producer(queue: Queue[int], lock: Lock) -> None:
    for number in range(6):
        async with lock:
            await queue.put(number)
    await sleep(0.5)
    queue.close()


async def consumer(queue: Queue[int], lock: Lock) -> int:
    total = 0
    async for number in queue:
        async with lock:
            await sleep(0.05)
        total += number
    return total


async def main() -> int:
    queue: Queue[int] = Queue(2)
    lock = Lock()
    async with TaskGroup() as group:
        await group.spawn(producer(queue, lock), name="producer")
        consumers = [await group.spawn(consumer(queue, lock), name=f"consumer {number}") for number in range(2)]
    return sum([await task for task in consumers])


with record(sys.argv[1]):
    run(main(), clock=VirtualClock())
