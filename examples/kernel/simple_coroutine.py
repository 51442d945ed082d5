"""A coroutine that waits and then prints: `examples/seed/simple_coroutine.py` written on the kernel.

    python3 -m kernel examples/kernel/simple_coroutine.py

There is no loop to get and to close: `main` is what runs, and the kernel exists as long as it does.
"""

from kernel import sleep


async def say(what: str, when: float) -> None:
    await sleep(when)
    print(what)


async def main() -> None:
    await say("hello world", 1)
