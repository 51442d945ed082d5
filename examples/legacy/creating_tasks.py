"""`examples/seed/creating_tasks.py` in the style of Python 3.4, which had no `async` and `await`; until Ctrl-C."""

from collections.abc import Generator
from typing import Any

import compat as asyncio


@asyncio.coroutine
def say(what: str, when: float) -> Generator[Any, Any, None]:
    yield from asyncio.sleep(when)
    print(what)


loop = asyncio.get_event_loop()

loop.create_task(say("first hello", 2))
loop.create_task(say("second hello", 1))

loop.run_forever()
loop.close()
