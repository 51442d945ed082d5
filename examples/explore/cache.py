"""A cache that computes twice: it sees that a page is missing, and others see the same while a thread draws the page.

    PYTHONPATH=. python3 examples/explore/cache.py

The second reader comes a second after the first. Mostly the page is there by then. When the thread takes longer, the
cache has the page drawn a second time. The mend is a lock for each page.
"""

from collections import defaultdict

import kernel
from kernel import Lock, TaskGroup, run_in_thread, sleep


class Cache:
    """Keeps pages that were drawn."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.drawn: list[str] = []

    def draw(self, name: str) -> str:
        self.drawn.append(name)
        return f"<h1>{name}</h1>"

    async def get(self, name: str) -> str:
        if name not in self.pages:
            self.pages[name] = await run_in_thread(self.draw, name)
        return self.pages[name]


class MendedCache(Cache):
    """Lets one reader at a time ask for a page; the next one finds it there."""

    def __init__(self) -> None:
        super().__init__()
        self.locks: defaultdict[str, Lock] = defaultdict(Lock)

    async def get(self, name: str) -> str:
        async with self.locks[name]:
            return await super().get(name)


async def two_readers(cache: Cache) -> None:
    async with TaskGroup() as group:
        for _ in range(2):
            await group.spawn(cache.get("news"))
            await sleep(1)
    assert cache.drawn == ["news"], f"the page was drawn {len(cache.drawn)} times"


if __name__ == "__main__":
    print(kernel.explore(lambda: two_readers(Cache()), runs=500))
    print(kernel.explore(lambda: two_readers(MendedCache()), strategy="exhaustive"))
