"""Two tasks take two locks in a different order: a deadlock."""

import sys

from kernel import Deadlock, Lock, TaskGroup, VirtualClock, run, sleep
from kernel.insight import record


async def transfer(source: Lock, target: Lock) -> None:
    async with source:
        await sleep(0.1)
        async with target:
            print("transferred")


async def main() -> None:
    ann, bob = Lock(), Lock()
    async with TaskGroup() as group:
        await group.spawn(transfer(ann, bob), name="Ann to Bob")
        await group.spawn(transfer(bob, ann), name="Bob to Ann")


with record(sys.argv[1]):
    try:
        run(main(), clock=VirtualClock())
    except Deadlock:
        pass
