"""A clock: `examples/seed/clock.py` written on the kernel.

    python3 -m kernel examples/kernel/clock.py

Where that program uses `gather`, this one spawns a task for the seconds, prints the minutes itself, and then waits for
the task. It ticks until Ctrl-C.
"""

from kernel import sleep, spawn


async def print_every_second() -> None:
    while True:
        for i in range(60):
            print(i, "s")
            await sleep(1)


async def print_every_minute() -> None:
    for i in range(1, 10):
        await sleep(60)
        print(i, "minute")


async def main() -> None:
    seconds = await spawn(print_every_second())
    await print_every_minute()
    await seconds
