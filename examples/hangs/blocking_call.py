"""A blocking call in a task: `time.sleep` keeps the thread, and so every other task.

    python3 -X dev -m kernel examples/hangs/blocking_call.py

In development mode the kernel tells of a step that takes over 0.1 seconds while it goes on, with the line. Without it,
`trampoline ps PID` says the same. The mend is `await sleep(...)`, or `await run_in_thread(...)` for a call that blocks.
"""

import time

from kernel import sleep, spawn


async def fetch() -> None:
    print("fetching", flush=True)
    time.sleep(1000)  # as a database driver may do it that knows of no tasks


async def tick() -> None:
    while True:
        await sleep(0.1)
        print("tick", flush=True)


async def main() -> None:
    await spawn(tick(), name="tick")
    await spawn(fetch(), name="fetch")
    await sleep(1000)
