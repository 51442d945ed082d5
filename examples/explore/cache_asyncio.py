"""A cache that computes twice, with asyncio's names: a page is missing, and several tasks have it drawn by a thread.

    PYTHONPATH=. python3 examples/explore/cache_asyncio.py

In a simulated run `asyncio.to_thread` takes as long as the exploration likes, as a real thread may.
"""

import asyncio
from collections import defaultdict

import compat


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
            self.pages[name] = await asyncio.to_thread(self.draw, name)
        return self.pages[name]


class MendedCache(Cache):
    """Lets one reader at a time ask for a page; the next one finds it there."""

    def __init__(self) -> None:
        super().__init__()
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, name: str) -> str:
        async with self.locks[name]:
            return await super().get(name)


async def two_readers(cache: Cache) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(cache.get("news"))
            await asyncio.sleep(1)
    assert cache.drawn == ["news"], f"the page was drawn {len(cache.drawn)} times"


if __name__ == "__main__":
    print(compat.explore(lambda: two_readers(Cache()), runs=500))
    print(compat.explore(lambda: two_readers(MendedCache()), strategy="exhaustive"))
