"""A lock is never released: a task returns early, and its `release` is not in a `finally`.

    python3 -m kernel examples/hangs/lock_never_released.py
    trampoline locks PID

The heartbeat goes on, so nobody sees a deadlock. `locks` says who holds the lock, that this task has ended, and who waits.
The mend is `async with lock:`.
"""

from kernel import Lock, TaskGroup, checkpoint, sleep


async def serve(lock: Lock, customer: str, order: str) -> None:
    await lock.acquire()
    if not order:
        return  # and keeps the lock
    await checkpoint()
    print(customer, "gets", order)
    lock.release()


async def beat() -> None:
    while True:
        await sleep(0.5)
        print("the shop is open", flush=True)


async def main() -> None:
    lock = Lock()
    async with TaskGroup() as group:
        await group.spawn(beat(), name="heartbeat")
        for customer, order in [("Ann", "soup"), ("Bob", ""), ("Cid", "bread"), ("Dora", "tea")]:
            await group.spawn(serve(lock, customer, order), name=customer)
