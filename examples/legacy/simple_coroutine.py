"""`examples/seed/simple_coroutine.py` in the style of Python 3.4, which had no `async` and `await`."""

from collections.abc import Generator
from typing import Any

import compat as asyncio


@asyncio.coroutine
def say(what: str, when: float) -> Generator[Any, Any, None]:
    yield from asyncio.sleep(when)
    print(what)


loop = asyncio.get_event_loop()
loop.run_until_complete(say("hello world", 1))
loop.close()
