"""A convoy: one task holds a lock while it sleeps, and the line behind the lock grows.

    python3 -m kernel examples/movies/lock_convoy.py

Look at the group of the lock under "Blocked". The first customer holds it, and each new one joins the line. Paying takes
five times as long as the time between two customers, so the shop falls behind. When a customer is done, the lock passes
on to the first in the line, and only to that one: the last of four waits for all others.
"""

from kernel import Lock, TaskGroup, sleep


async def pay(name: str, counter: Lock) -> None:
    async with counter:
        await sleep(1)  # nobody else can pay meanwhile
    print(name, "has paid")


async def main() -> None:
    counter = Lock()
    async with TaskGroup() as customers:
        for name in "Ann", "Bob", "Cid", "Dora":
            await customers.spawn(pay(name, counter), name=name)
            await sleep(0.2)
