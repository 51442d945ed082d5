"""Names, values and errors that would be dangerous as a part of the page; recorded without data if asked."""

import sys

from kernel import Queue, VirtualClock, run, sleep, spawn
from kernel.insight import record

SCRIPT = "<script>window.bad = 1</script>"
NAMES = ["</script><script>window.bad = 1</script>", "<img src=x onerror='window.bad = 1'>", "${window.bad = 1}",
         "{{data}}", "\u202eevil\u2028\u2029", "--><!--", "\ud800", "&lt;b&gt;", "", "x" * 1000, "a\nb\tc"]


async def task(queue: Queue[str], number: int) -> str:
    await queue.get()
    await sleep(number)
    if number % 2:
        raise ValueError(SCRIPT)
    return "</script>" + SCRIPT


async def main() -> None:
    queue: Queue[str] = Queue()
    tasks = [await spawn(task(queue, number), name=name) for number, name in enumerate(NAMES)]
    for _ in tasks:
        await queue.put(SCRIPT)
    for one in tasks:
        try:
            await one
        except ValueError:
            pass


with record(sys.argv[1], data=not sys.argv[2:]):
    run(main(), clock=VirtualClock())
