"""Two tasks at once: `examples/seed/creating_tasks.py` written on the kernel.

    python3 -m kernel examples/kernel/creating_tasks.py

A run ends when `main` ends. This `main` sleeps for ever, so the program runs until Ctrl-C.
"""

import math

from kernel import sleep, spawn


async def say(what: str, when: float) -> None:
    await sleep(when)
    print(what)


async def main() -> None:
    await spawn(say("first hello", 2))
    await spawn(say("second hello", 1))
    await sleep(math.inf)
