"""`examples/seed/clock.py` in the style of Python 3.4, which had no `async` and `await`. It runs until Ctrl-C."""

from collections.abc import Generator
from typing import Any

import compat as asyncio


@asyncio.coroutine
def print_every_second() -> Generator[Any, Any, None]:
    while True:
        for i in range(60):
            print(i, "s")
            yield from asyncio.sleep(1)


@asyncio.coroutine
def print_every_minute() -> Generator[Any, Any, None]:
    for i in range(1, 10):
        yield from asyncio.sleep(60)
        print(i, "minute")


loop = asyncio.get_event_loop()
loop.run_until_complete(asyncio.gather(print_every_second(), print_every_minute()))
loop.close()
