"""What a person reads: the listings of two native programs, to the character, and how each listing deals with the odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kernel import Deadlock, VirtualClock, run, sleep, spawn
from kernel.insight import snapshot
from kernel.snapshots import listing
from tests.support.listed import circle, worker_pool
from tests.support.listings import golden, transcript

Seen = list[dict[str, Any]]


def test_a_pool_of_workers() -> None:
    assert transcript(lambda seen: run(worker_pool.main(seen), clock=VirtualClock())) == golden("worker_pool")


def test_groups_and_a_circle() -> None:
    def program(seen: Seen) -> None:
        with pytest.raises(Deadlock):
            run(circle.main(seen), clock=VirtualClock())

    assert transcript(program) == golden("circle")


def taken_of(*names: str, code: Callable[[], Any] = lambda: asleep()) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        for name in names:
            await spawn(code(), name=name)
        await sleep(1)
        return snapshot()

    return run(main(), clock=VirtualClock())


async def asleep() -> None:
    await sleep(60)


def test_many_tasks_that_wait_alike_are_one_line() -> None:
    taken = taken_of(*[f"client {number}" for number in range(10_000)])
    for text in listing.ps(taken), listing.tree(taken), listing.stack(taken):
        assert "... and 9,998 more like it\n" in text and text.count("client ") == 2
    assert listing.everything(taken).count("client ") == 4
    assert listing.ps(taken, full=True).count("client ") == 10_000
    assert listing.tree(taken, full=True).count("client ") == 10_000
    assert listing.stack(taken, "client *").count("client ") == 10_000


def test_few_are_listed() -> None:
    taken = taken_of(*[f"client {number}" for number in range(5)])
    assert "more like it" not in listing.ps(taken) and listing.ps(taken).count("client ") == 5


def test_the_stack_of_one_task() -> None:
    taken = taken_of("reader", "writer", "*")
    for pattern in "2", "reader", "read*", "[qr]eader":
        text = listing.stack(taken, pattern)
        assert "task 2 'reader' is blocked on sleep(60):\n" in text and "writer" not in text
        assert text.endswith(f", line {asleep.__code__.co_firstlineno + 1}, in asleep\n    await sleep(60)\n")
    assert listing.stack(taken, "*").count("is blocked on") == 3


def test_the_stack_of_no_task() -> None:
    with pytest.raises(ValueError, match="^no task has the number or the name 'rider'; there are task 1 '.*', task 2 'reader'$"):
        listing.stack(taken_of("reader"), "rider")
    with pytest.raises(ValueError, match="^no task has the number or the name '1'; there is none$"):
        listing.stack(snapshot(), "1")


def test_how_long_a_task_has_waited_where_that_is_known() -> None:
    taken = taken_of("reader", "writer", "other", "last")
    for task, since in zip(taken["kernels"][0]["tasks"][1:], (0.5, -120, -7200, 1)):
        task["since"] = since
    rows = listing.ps(taken).splitlines()[3:]
    assert [row.split()[3] for row in rows] == ["0.5s", "2m01s", "2h00m", "0.0s"]
    assert "task 2 'reader' is blocked on sleep(60) for 0.5s at " in listing.tree(taken)
    assert "task 2 'reader' is blocked on sleep(60) for 0.5s:\n" in listing.stack(taken)


def test_paths_outside_of_the_program_s_directory_and_source_that_is_not_there() -> None:
    taken = taken_of("reader")
    for place in taken["kernels"][0]["tasks"][1]["stack"]:
        place["file"] = "/nowhere/main.py"
    assert 'File "/nowhere/main.py", line ' in listing.stack(taken)
    taken["directory"] = "/nowhere"
    assert 'File "main.py", line ' in listing.stack(taken, "reader") and "await sleep" not in listing.stack(taken, "reader")
    taken["directory"] = None
    assert 'File "/nowhere/main.py", line ' in listing.stack(taken)
