"""`examples/seed/stopping_loop.py` in the style of Python 3.4, which had no `async` and `await`."""

from collections.abc import Generator
from typing import Any

import compat as asyncio


@asyncio.coroutine
def say(what: str, when: float) -> Generator[Any, Any, None]:
    yield from asyncio.sleep(when)
    print(what)


@asyncio.coroutine
def stop_after(loop: asyncio.AbstractEventLoop, when: float) -> Generator[Any, Any, None]:
    yield from asyncio.sleep(when)
    loop.stop()


loop = asyncio.get_event_loop()

loop.create_task(say("first hello", 2))
loop.create_task(say("second hello", 1))
loop.create_task(say("third hello", 4))
loop.create_task(stop_after(loop, 3))

loop.run_forever()
loop.close()
