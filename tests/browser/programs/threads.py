"""Two kernels, each in a thread of its own, one after the other."""

import sys
import threading

from kernel import Event, VirtualClock, run, sleep, spawn
from kernel.insight import record


async def ringer(bell: Event) -> None:
    await sleep(1)
    bell.set()


async def main() -> None:
    bell = Event()
    await spawn(ringer(bell), name="ringer")
    await bell.wait()


with record(sys.argv[1]):
    for _ in range(2):
        thread = threading.Thread(target=lambda: run(main(), clock=VirtualClock()))
        thread.start()
        thread.join()
