"""Stopping while a task is still at work: `examples/seed/stopping_loop.py` written on the kernel.

    python3 -m kernel examples/kernel/stopping_loop.py

The run ends when `main` returns, after three seconds. Then the kernel cancels the task that is left and waits for it,
so that the task could clean up.
"""

from kernel import sleep, spawn


async def say(what: str, when: float) -> None:
    await sleep(when)
    print(what)


async def main() -> None:
    await spawn(say("first hello", 2))
    await spawn(say("second hello", 1))
    await spawn(say("third hello", 4))
    await sleep(3)
