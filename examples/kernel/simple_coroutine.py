"""A coroutine that waits and then prints: `examples/seed/simple_coroutine.py` written on the kernel.

    python3 -m kernel examples/kernel/simple_coroutine.py

This program does not have to get a loop and close it: the kernel begins and ends with `main`.
"""

from kernel import sleep


async def say(what: str, when: float) -> None:
    await sleep(when)
    print(what)


async def main() -> None:
    await say("hello world", 1)
