"""How a circle of waits is drawn: of locks and of waits, a long one, and for a terminal that has only ASCII."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Deadlock, Lock, Task, TaskGroup, VirtualClock, checkpoint, run, sleep, spawn
from kernel.insight import snapshot
from kernel.snapshots import listing
from kernel.snapshots.drawing import circle_lines, fitted

HERE = "test_circle_drawings.py"


def drawn(main: Any) -> str:
    """The pictures in the listing `tree` of the program at its end, without the directories of files."""
    seen: list[dict[str, Any]] = []

    async def observe() -> None:
        await sleep(5)
        seen.append(snapshot())

    async def observed() -> None:
        await spawn(observe(), daemon=True)
        await main()

    with pytest.raises((Deadlock, ExceptionGroup)):
        run(observed(), clock=VirtualClock())
    seen[0]["directory"] = __file__.removesuffix(f"/{HERE}")
    text = listing.tree(seen[0])
    return text[text.index("tasks wait in a circle") - 2:]


async def take_both(first: Lock, second: Lock) -> None:
    async with first:
        await sleep(1)
        async with second:
            pass


def test_a_circle_of_three_locks() -> None:
    async def main() -> None:
        locks = [Lock() for _ in range(3)]
        async with TaskGroup() as group:
            for number, name in enumerate(("red", "green", "a name that is too long for a column")):
                await group.spawn(take_both(locks[number], locks[(number + 1) % 3]), name=name)

    place = f"{HERE}:{take_both.__code__.co_firstlineno + 3} in take_both"
    assert drawn(main) == f"""\
3 tasks wait in a circle:
┌─► task 3 'red' at {place}
│     │ waits for a Lock, held by
│     ▼
│   task 4 'green' at {place}
│     │ waits for a Lock, held by
│     ▼
│   task 5 'a name that is too lo...' at {place}
│     │ waits for a Lock, held by
└─────┘
"""


async def await_next(tasks: list[Task[Any]], number: int) -> None:
    await sleep(1)
    await tasks[(number + 1) % len(tasks)]


def test_a_group_whose_task_waits_for_a_lock_that_is_held_around_the_group() -> None:
    async def member(lock: Lock) -> None:
        await sleep(1)
        async with lock:
            pass

    async def main() -> None:
        lock = Lock()
        async with lock:
            async with TaskGroup() as group:
                await group.spawn(member(lock), name="member")
                await group.spawn(member(lock), name="other")

    first = main.__code__.co_firstlineno
    assert drawn(main) == f"""\
2 tasks wait in a circle:
┌─► task 1 'drawn.<locals>.observed' at {HERE}:{first + 3} in {main.__qualname__}
│     │ waits in <TaskGroup of 2: task 3 'member', task 4 'other'>.__aexit... for the end of
│     ▼
│   task 3 'member' at {HERE}:{member.__code__.co_firstlineno + 2} in {member.__qualname__}
│     │ waits for a Lock, held by
└─────┘
"""


def lines_of(links: int) -> list[str]:
    return list(circle_lines([(f"task {number}", "waits for the end of") for number in range(1, links + 1)]))


def test_one_task_and_as_many_as_are_drawn() -> None:
    assert lines_of(1) == ["┌─► task 1", "│     │ waits for the end of", "└─────┘"]
    assert [line[4:] for line in lines_of(8)[::3]] == [f"task {number}" for number in range(1, 9)]


@pytest.mark.parametrize("links", [9, 10, 300, 12_345])
def test_a_long_circle_is_folded_in_the_middle(links: int) -> None:
    lines = lines_of(links)
    assert len(lines) == 24
    assert [line[4:] for line in lines[:24:3]] == [
        "task 1", "task 2", "task 3", "task 4", f"... {links - 7:,} more ...", f"task {links - 2}", f"task {links - 1}",
        f"task {links}"]
    assert lines[13] == "│     │"


def test_a_terminal_without_such_characters() -> None:
    text = "\n".join(lines_of(2))
    ascii = "+-> task 1\n|     | waits for the end of\n|     v\n|   task 2\n|     | waits for the end of\n+-----+"
    assert [fitted(text, encoding) for encoding in ("utf-8", None)] == [text, text]
    assert [fitted(text, encoding) for encoding in ("ascii", "latin-1", "no such encoding")] == [ascii] * 3
    assert fitted("Bärbel €", "latin-1") == "Bärbel \\u20ac" and fitted("\udc80", "utf-8") == "\\udc80"


def test_a_circle_that_is_refused_gets_no_picture_of_a_program_that_has_not_asked() -> None:
    async def main() -> None:
        tasks: list[Task[Any]] = []
        for number in range(2):
            tasks.append(await spawn(await_next(tasks, number)))
        await checkpoint()
        await tasks[0]

    with pytest.raises(Deadlock) as caught:
        run(main(), clock=VirtualClock())
    assert not hasattr(caught.value, "__notes__")
