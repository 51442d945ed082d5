"""A circle of waits: two tasks take the same two locks, in a different order.

    python3 -m kernel examples/hangs/circle_of_locks.py
    trampoline ps PID

The heartbeat goes on, so nobody sees a deadlock. The picture at the end of `ps`, of `tree` and of `locks` shows the
circle. The mend is one order of the locks for all tasks.
"""

from kernel import Lock, TaskGroup, sleep


async def transfer(source: Lock, target: Lock) -> None:
    async with source:
        await sleep(0.1)  # as long as it takes to read the balance
        async with target:
            print("transferred")


async def beat() -> None:
    while True:
        await sleep(0.5)
        print("the bank is open", flush=True)


async def main() -> None:
    ann, bob = Lock(), Lock()
    async with TaskGroup() as group:
        await group.spawn(beat(), name="heartbeat")
        await group.spawn(transfer(ann, bob), name="Ann to Bob")
        await group.spawn(transfer(bob, ann), name="Bob to Ann")
