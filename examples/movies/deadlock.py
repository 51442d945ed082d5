"""A deadlock: two tasks take the same two locks, in a different order. The program ends with `Deadlock`.

    python3 -m kernel examples/movies/deadlock.py

Each of the two takes its own fork at once, and one second later it wants the fork that the other one holds. Look at the
two locks under "Blocked": the owner of each stands in the line of the other. The kernel sees that nothing can wake them
any more, and the page draws the circle. Then the kernel raises `Deadlock`, which cancels all tasks. The mend is one
order of the forks for all.
"""

from kernel import Lock, TaskGroup, sleep


async def dine(mine: Lock, other: Lock) -> None:
    async with mine:
        await sleep(1)
        async with other:
            print("dinner is over")


async def main() -> None:
    left, right = Lock(), Lock()
    async with TaskGroup() as table:
        await table.spawn(dine(left, right), name="Ann")
        await table.spawn(dine(right, left), name="Bob")
