"""A program in the style of Python 3.4: coroutines are generators."""

import sys
from collections.abc import Generator
from typing import Any

import compat as asyncio
from kernel.insight import record


@asyncio.coroutine
def say(what: str, when: float) -> Generator[Any, Any, str]:
    yield from asyncio.sleep(when)
    return what


@asyncio.coroutine
def main() -> Generator[Any, Any, None]:
    yield from asyncio.gather(say("second", 0.02), say("first", 0.01))


with record(sys.argv[1]):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
