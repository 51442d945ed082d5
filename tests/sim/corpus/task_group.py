"""CPython, pull request 117407: `asyncio.TaskGroup` forgets a cancellation that comes when a task of the group fails.

Python 3.11 and 3.12 have the bug. The remedy came with Python 3.13.

A server makes a page from two sources, and leaves a source out when it fails. After half a second the reader leaves,
and the server cancels the work. When a source has just failed, the group raises that failure and forgets the
cancellation. The server makes a page that nobody reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


async def news() -> None:
    await asyncio.sleep(0.3)
    raise ConnectionError("the news do not answer")


async def weather() -> None:
    await asyncio.sleep(0.4)


async def make_page(group: Callable[[], Any]) -> None:
    try:
        async with group() as sources:
            sources.create_task(news(), name="news")
            sources.create_task(weather(), name="weather")
    except* ConnectionError:
        pass  # the page says so
    await asyncio.sleep(0.4)  # to put the page together


async def main(group: Callable[[], Any] = asyncio.TaskGroup) -> None:
    page = asyncio.create_task(make_page(group), name="page")
    await asyncio.sleep(0.5)
    if page.cancel():
        await asyncio.wait([page])
        assert page.cancelled(), "the page was cancelled and made all the same"
    else:
        page.result()  # it was quicker
