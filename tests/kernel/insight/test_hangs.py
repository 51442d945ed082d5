"""Tasks that wait for what is free, as snapshots and listings tell of them; and when these say nothing of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from kernel import Event, Kernel, Lock, Semaphore, Task, VirtualClock, checkpoint, run, sleep, spawn
from kernel.insight import snapshot
from kernel.snapshots import listing
from kernel.snapshots.reasons import reasons
from kernel.snapshots.words import View

Data = dict[str, Any]
HERE = "test_hangs.py"


class ForgetfulLock(Lock):
    """Becomes free without waking who waits."""

    def release(self) -> None:
        self.request.owner = None


async def use(lock: Lock) -> None:
    async with lock:
        await sleep(1)


USE = f"{HERE}:{use.__code__.co_firstlineno + 1} in use"


async def forget(*names: str) -> None:
    """Have tasks of these names use a lock. The first one forgets to wake the others."""
    lock = ForgetfulLock()
    for name in names:
        await spawn(use(lock), name=name)
    await sleep(2)


def seen(look: Callable[[], Any] = snapshot, names: tuple[str, ...] = ("Ann", "Bob")) -> Any:
    """What `look` gives where a task waits for a lock that nobody holds."""
    async def main() -> Any:
        await forget(*names)
        return look()

    return run(main(), clock=VirtualClock())


def free_of(taken: Data) -> dict[str, str]:
    """Why what tasks wait for is free, by their names."""
    return {task["name"]: task["free"] for task in taken["kernels"][0]["tasks"] if task["free"] is not None}


def here(taken: Data) -> Data:
    return {**taken, "directory": __file__.removesuffix(f"/{HERE}")}


def test_a_snapshot_says_it() -> None:
    assert free_of(seen()) == {"Bob": "nobody holds it"}


IN_VAIN = f"""\
1 task waits in vain:
  task 3 'Bob' at {USE}
    waits for <ForgetfulLock held by nobody>.acquire()
    although nobody holds it
"""


def test_the_listings_say_it() -> None:
    taken = here(seen())
    assert f" blocked  -      ForgetfulLock.acquire(), although nobody holds it  {USE}\n{IN_VAIN}" in listing.ps(taken)
    line = f"task 3 'Bob' is blocked on <ForgetfulLock held by nobody>.acquire() at {USE}, although nobody holds it\n"
    assert listing.tree(taken).endswith(f"{line}{IN_VAIN}")
    assert listing.locks(taken).endswith(
        f"ForgetfulLock held by nobody\n  1. task 3 'Bob' waits in acquire() at {USE}, although nobody holds it\n")
    assert "'Bob' is blocked on <ForgetfulLock held by nobody>.acquire(), although nobody holds it:\n" in listing.stack(taken)
    assert IN_VAIN in listing.everything(taken)


def test_the_reasons_end_with_it() -> None:
    kernel = here(seen())["kernels"][0]
    view = View({"directory": __file__.removesuffix(f"/{HERE}")}, kernel)
    assert list(reasons(view, view.tasks[3])) == [
        f"task 3 'Bob' is blocked on <ForgetfulLock held by nobody>.acquire() at {USE}, although nobody holds it",
        "└ and nothing is on its way that would wake it"]


def test_of_many_only_a_few_are_listed() -> None:
    taken = seen(names=("Ann", *(f"client {number}" for number in range(1000))))
    text = listing.ps(taken)
    assert "1,000 tasks wait in vain:\n" in text and text.endswith("  ... and 995 more\n")
    assert text.count("although nobody holds it") == 2 + 5  # in the table, and below it


def test_tasks_that_wait_alike_are_told_apart_by_it() -> None:
    taken = seen(names=("Ann", *(f"client {number}" for number in range(10))))
    taken["kernels"][0]["tasks"][-1]["free"] = None
    assert "client 9" in listing.ps(taken)


def test_a_lock_whose_holder_has_ended() -> None:
    async def acquire(lock: Lock) -> None:
        await lock.acquire()

    async def main() -> Data:
        lock = Lock()
        await spawn(acquire(lock), name="owner")
        await spawn(use(lock), name="waiter")
        await sleep(1)
        return snapshot()

    assert free_of(run(main(), clock=VirtualClock())) == {"waiter": "its holder has ended"}


class ForgetfulSemaphore(Semaphore):
    def release(self) -> None:
        self.request.value += 1


def test_a_circle_says_that_it_need_not_be_one() -> None:
    async def wait_for_both(semaphore: Semaphore, tasks: list[Task[Any]]) -> None:
        async with semaphore:
            await sleep(1)
            await tasks[1]

    async def take(semaphore: Semaphore) -> None:
        await semaphore.acquire()

    async def give_one_back(semaphore: Semaphore) -> None:
        async with semaphore:
            await sleep(2)

    async def main() -> Data:
        semaphore, tasks = ForgetfulSemaphore(2), list[Task[Any]]()
        await spawn(give_one_back(semaphore))
        tasks.append(await spawn(wait_for_both(semaphore, tasks), name="holder"))
        tasks.append(await spawn(take(semaphore), name="waiter"))
        await sleep(3)
        return snapshot()

    text = listing.ps(run(main(), clock=VirtualClock()))
    assert "2 tasks wait in a circle:\n" in text and " waits for a Semaphore, although it has 1 left, held by\n" in text


# When nothing is said


def test_nothing_is_said_while_a_task_is_ready() -> None:
    async def main() -> list[Data]:
        await forget("Ann", "Bob")
        before = snapshot()
        await spawn(sleep_one())
        return [before, snapshot()]

    async def sleep_one() -> None:
        await sleep(1)

    before, after = run(main(), clock=VirtualClock())
    assert free_of(before) and not free_of(after)


def test_nothing_is_said_while_a_call_is_to_be_made() -> None:
    async def main() -> Data:
        await forget("Ann", "Bob")
        kernel.call_from_thread(lambda: None)
        return snapshot()

    with Kernel(clock=VirtualClock()) as kernel:
        assert not free_of(kernel.run(main()))


def test_nothing_is_said_in_the_middle_of_a_function_that_wakes_tasks() -> None:
    looks: list[Data] = []

    def look(frame: FrameType, event: str, argument: object) -> None:
        """As the handler of a signal may do it."""
        if frame.f_code is Task.wake.__code__ and event == "call":
            looks.append(snapshot())

    async def wait(event: Event) -> None:
        await event.wait()

    async def main() -> None:
        event = Event()
        await spawn(wait(event), name="waiter")
        await checkpoint()
        sys.setprofile(look)
        event.set()
        sys.setprofile(None)
        await checkpoint()

    run(main())
    assert looks[0]["kernels"][0]["locks"][0]["text"] == "Event set" and not free_of(looks[0])


def test_nothing_is_said_of_a_kernel_that_is_looked_at_from_outside() -> None:
    looked = threading.Event()
    looks: list[Data] = []

    def look() -> None:
        looks.append(snapshot())
        looked.set()

    async def main() -> None:
        await forget("Ann", "Bob")
        thread = threading.Thread(target=look)
        thread.start()
        looked.wait()  # so the kernel does not come to it
        thread.join()

    run(main(), clock=VirtualClock())
    assert looks[0]["kernels"][0]["answered"] is False and not free_of(looks[0])


def test_a_kernel_that_is_idle_says_it_to_another_thread() -> None:
    looks: list[Data] = []

    async def main() -> None:
        lock, looked = ForgetfulLock(), Event()
        for name in "Ann", "Bob":
            bob = await spawn(pass_through(lock), name=name)
        for _ in range(3):
            await checkpoint()

        def look() -> None:
            looks.append(snapshot())
            kernel.call_from_thread(looked.set)

        threading.Thread(target=look).start()
        with kernel.expect_calls():
            await looked.wait()
        bob.cancel()

    async def pass_through(lock: Lock) -> None:
        async with lock:
            await checkpoint()

    with Kernel() as kernel:
        kernel.run(main())
    assert looks[0]["kernels"][0]["answered"] and free_of(looks[0]) == {"Bob": "nobody holds it"}
