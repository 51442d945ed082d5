"""What strace -c counts and measures."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from kernel import Kernel, PriorityQueue, Queue, VirtualClock, run, sleep, spawn
from kernel.insight import Summary, watch
from tests.support.programs import failures, pool


def tables(program: Any, **options: Any) -> tuple[list[str], list[str], list[str]]:
    """The lines of the three tables, without the processor's time, which differs from run to run."""
    summary = Summary(**options)
    run(program, clock=VirtualClock(), observer=summary)
    requests, tasks, steps = summary.text().split("\n\n")
    return requests.splitlines(), [re.sub(r" \d\.\d{6} (?=\S+$)", " ", line) for line in tasks.splitlines()], steps.splitlines()


def test_requests_by_kind_and_by_task() -> None:
    requests, tasks, steps = tables(pool())
    assert requests == [
        "% waiting    seconds    longest    calls   errors request",
        "   42.86%    3.000000   2.000000        2          sleep",
        "   42.86%    3.000000   3.000000        1          TaskGroup.__aexit__",
        "   14.29%    1.000000   1.000000        2          Lock.acquire",
        "    0.00%    0.000000   0.000000        4        2 Queue.get",
        "    0.00%    0.000000   0.000000        2          TaskGroup.spawn",
        "    0.00%    0.000000   0.000000        2          Queue.put",
        "    0.00%    0.000000   0.000000        1          checkpoint",
        "    0.00%    0.000000   0.000000        1          TaskGroup.__aenter__",
        "  100.00%    7.000000   3.000000       15        2 total",
    ]
    assert tasks == [
        "% waiting    seconds    longest    calls   errors    steps       busy task",
        "   42.86%    3.000000   3.000000        7                 8   pool",
        "   42.86%    3.000000   2.000000        4        1        5   b",
        "   14.29%    1.000000   1.000000        4        1        5   a",
        "  100.00%    7.000000   3.000000       15        2       18   total",
    ]
    assert steps[0] == "longest steps" and all(re.fullmatch(r" *\d+\.\d{6}s task \d '\w+', up to .*", line)
                                               for line in steps[1:])


def test_errors_and_calls() -> None:
    requests, tasks, _ = tables(failures())
    assert requests == [
        "% waiting    seconds    longest    calls   errors request",
        "   87.50%    7.000000   5.000000        4        2 sleep",
        "   12.50%    1.000000   1.000000        2        2 wait",
        "    0.00%    0.000000   0.000000        2          spawn",
        "    0.00%    0.000000   0.000000        2          timeout.__aenter__",
        "    0.00%    0.000000   0.000000        1          checkpoint",
        "    0.00%    0.000000   0.000000        1          call",
        "  100.00%    8.000000   5.000000       12        4 total",
    ]
    assert tasks == [
        "% waiting    seconds    longest    calls   errors    steps       busy task",
        "   87.50%    7.000000   5.000000        9        3       11   failures",
        "   12.50%    1.000000   1.000000        1                 2   failing",
        "    0.00%    0.000000   0.000000        2        1        3   other",
        "  100.00%    8.000000   5.000000       12        4       16   total",
    ]


def test_calls_to_objects_of_several_classes_are_told_apart() -> None:
    async def main() -> None:
        queues: list[Queue[int]] = [Queue(), PriorityQueue()]
        tasks = [await spawn(get(queue)) for queue in queues]
        await sleep(1)
        for queue, task in zip(queues, tasks):
            queue.put_nowait(1)
            await task

    async def get(queue: Queue[int]) -> None:
        await queue.get()

    requests, _, _ = tables(main(), kinds=["queue"])
    assert [line.split()[-1] for line in requests[1:]] == ["Queue.get", "PriorityQueue.get", "total"]


def test_an_answer_that_is_an_exception_is_no_error() -> None:
    async def main() -> None:
        queue: Queue[Exception] = Queue()
        task = await spawn(get(queue))
        await sleep(1)
        queue.put_nowait(ValueError("a value"))
        await task

    async def get(queue: Queue[Exception]) -> None:
        await queue.get()

    requests, _, _ = tables(main())
    assert [line.split()[4] for line in requests[1:] if len(line.split()) == 6] == []


def test_chosen_kinds_and_tasks() -> None:
    requests, tasks, _ = tables(pool(), kinds=["sync"], task="b")
    assert [line.split()[-1] for line in requests[1:]] == ["Lock.acquire", "TaskGroup.__aenter__", "total"]
    assert [line.split()[-1] for line in tasks[1:]] == ["b", "total"]


def test_the_longest_step_with_its_line() -> None:
    summary = Summary()

    async def main() -> None:
        await (await spawn(busy(), name="busy"))

    async def busy() -> None:
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass
        await sleep(1)

    run(main(), clock=VirtualClock(), observer=summary)
    longest = summary.text().partition("longest steps\n")[2].splitlines()[0]
    assert re.match(r" *0\.\d{6}s task 2 'busy', up to .*test_summary.py:\d+ in ", longest)
    assert float(longest.split("s ")[0]) >= 0.02


def test_many_kinds_of_tasks_are_cut_to_the_longest_waiting() -> None:
    summary = Summary()

    async def main() -> None:
        for number in range(30):
            await (await spawn(nap(number), name=f"nap-{number}"))

    async def nap(seconds: float) -> None:
        await sleep(seconds)

    run(main(), clock=VirtualClock(), observer=summary)
    tasks = summary.text().split("\n\n")[1]
    assert "nap-29" in tasks and "nap-2\n" not in tasks and "... and 11 more" in tasks


def test_two_kernels_and_one_that_is_watched_late() -> None:
    summary = Summary()

    async def main() -> None:
        await sleep(1)
        with watch(summary):
            await sleep(2)
            await sleep(3)

    for _ in range(2):
        with Kernel(clock=VirtualClock()) as kernel:
            kernel.run(main())
    requests = summary.text().split("\n\n")[0].splitlines()
    assert [line.split()[-1] for line in requests[1:]] == ["sleep", "total"] and "   10.0" not in requests[1]


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of requests 'disk'"):
        Summary(kinds=["disk"])
