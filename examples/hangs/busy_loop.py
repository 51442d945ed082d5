"""A task never lets go: it asks again and again for what only another task could change.

    python3 -m kernel examples/hangs/busy_loop.py
    trampoline stack PID poll

No other task runs, so Ctrl-C cannot cancel `main`. `ps` and `stack` answer all the same. They say which task holds the
kernel, and in which line. So does Ctrl-\\. A second Ctrl-C ends the program there. The mend is a `Queue` for the orders.
"""

from kernel import sleep, spawn


async def poll(orders: list[str]) -> None:
    print("polling", flush=True)
    while not orders: pass
    print("the first order is", orders[0])


async def main() -> None:
    orders: list[str] = []
    task = await spawn(poll(orders), name="poll")
    await sleep(0.1)
    orders.append("soup")
    await task
