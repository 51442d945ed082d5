"""A forgotten `await`: a request is made, and never given to the kernel.

    python3 -X dev -m kernel examples/hangs/forgotten_await.py

In development mode a `RuntimeWarning` names the request and the line that made it. Without it, the program ends with a
`Deadlock`, which names only the task that waits.
"""

from kernel import Queue, spawn


async def cook(dishes: Queue[str]) -> None:
    await dishes.put("soup")


async def main() -> None:
    dishes: Queue[str] = Queue()
    spawn(cook(dishes))  # without `await`: no task is made
    print("here is your", await dishes.get())
