"""A forgotten `await`, with asyncio's names: a coroutine is made, and never run.

    python3 -m compat examples/hangs/forgotten_await_asyncio.py

Python itself warns of coroutines, in every mode. With `-X dev` it adds the stack of calls that made the coroutine.
"""

import asyncio


async def main() -> None:
    dishes: asyncio.Queue[str] = asyncio.Queue()
    dishes.put("soup")  # type: ignore[unused-coroutine]  # the mistake that is shown here
    print("here is your", await dishes.get())


asyncio.run(main())
