"""CPython 86296: `asyncio.wait_for` swallows a cancellation.

Every release of Python 3.11 has the bug. Python 3.12 has another `wait_for`, without it.

A crawler fetches a list of pages. After half a second its user has seen enough and cancels it. When a page has just
come, and the crawler has not taken it yet, `wait_for` returns that page and forgets the cancellation. The crawler goes
on to the end of its list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

WaitFor = Callable[[Any, float], Any]


async def fetch(page: int) -> str:
    await asyncio.sleep(0.3)
    return f"page {page}"


async def crawl(pages: dict[int, str | None], wait_for: WaitFor) -> None:
    for page in pages:
        try:
            pages[page] = await wait_for(fetch(page), 2.0)
        except TimeoutError:
            pass  # it stays without its text


async def main(wait_for: WaitFor = asyncio.wait_for) -> None:
    crawler = asyncio.create_task(crawl(dict.fromkeys(range(10)), wait_for), name="crawler")
    await asyncio.sleep(0.5)
    if crawler.cancel():
        await asyncio.wait([crawler])
        assert crawler.cancelled(), "the crawler was cancelled and went on to the end"
    else:
        crawler.result()  # it was quicker
