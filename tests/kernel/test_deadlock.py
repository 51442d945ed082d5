"""Deadlock: a kernel that nothing can wake says who waits for what, and where, instead of hanging."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Deadlock, Task, VirtualClock, Waitable, checkpoint, current_task, run, run_in_thread, sleep, spawn,
                    wait, wait_readable)

Gen = Generator[Any, Any, Any]


def line_of(function: Any, text: str) -> int:
    """The number of the line of `function`, or of a function in it, that contains `text`."""
    first: int = function.__code__.co_firstlineno
    with open(__file__) as source:
        for number, line in enumerate(source, 1):
            if number >= first and text in line:
                return number
    raise LookupError(text)


def test_a_coroutine_that_waits_for_itself_is_told_so() -> None:
    async def main() -> None:
        me = await current_task()
        await me  # itself

    with pytest.raises(Deadlock) as caught:
        run(main())
    message = str(caught.value)
    place = f"{__file__}:{line_of(test_a_coroutine_that_waits_for_itself_is_told_so, '# itself')}"
    task, = caught.value.tasks
    assert f"{task} is blocked on wait({task}) at {place} in " in message and "circle" in message


def test_a_generator_that_waits_for_itself_is_told_so_and_may_go_on() -> None:
    def main() -> Gen:
        me = yield current_task()
        try:
            yield wait(me)  # itself
        except Deadlock as deadlock:
            return deadlock

    deadlock = run(main())
    number = line_of(test_a_generator_that_waits_for_itself_is_told_so_and_may_go_on, "# itself")
    assert f"{__file__}:{number}" in str(deadlock) and [task.id for task in deadlock.tasks] == [1]


def test_a_circle_is_refused_to_the_one_who_closes_it_while_others_go_on() -> None:
    tasks: list[Task[Any]] = []

    async def waiter(name: str, whom: int) -> str:
        await checkpoint()
        try:
            await tasks[whom]  # the next one
        except Deadlock as deadlock:
            message = str(deadlock)
            number = line_of(test_a_circle_is_refused_to_the_one_who_closes_it_while_others_go_on, "# the next one")
            for task in tasks:
                assert re.search(rf"{task} is blocked on wait\(task \d+ '[abc]'\) at {__file__}:{number} in .*waiter",
                                 message)
            assert set(deadlock.tasks) == set(tasks)
            return f"{name} was refused"
        return f"{name} went on"

    async def bystander() -> str:
        await sleep(10)
        return "slept"

    async def main() -> None:
        bystanding = await spawn(bystander())
        for number, name in enumerate("abc"):
            tasks.append(await spawn(waiter(name, (number + 1) % 3), name=name))
        assert [await task for task in tasks] == ["a went on", "b went on", "c was refused"]
        assert await bystanding == "slept"

    run(main(), clock=VirtualClock())


def test_a_long_chain_is_no_circle() -> None:
    async def link(before: Task[int] | None) -> int:
        return 1 if before is None else await before + 1

    async def main() -> int:
        last: Task[int] | None = None
        for _ in range(1000):
            last = await spawn(link(last))
        assert last is not None
        return await last

    assert run(main()) == 1000


def test_two_who_wait_for_one_are_no_circle() -> None:
    async def waiter(task: Task[str]) -> str:
        return await task

    async def sleeper() -> str:
        await sleep(1)
        return "slept"

    async def main() -> None:
        task = await spawn(sleeper())
        waiters = [await spawn(waiter(task)) for _ in range(2)]
        assert [await one for one in waiters] == ["slept", "slept"]

    run(main(), clock=VirtualClock())


def test_a_circle_of_any_length_is_found_when_nothing_else_can_run() -> None:
    length = 300
    tasks: list[Task[Any]] = []

    async def waiter(number: int) -> None:
        await checkpoint()
        await tasks[(number + 1) % length]

    async def main() -> None:
        for number in range(length):
            tasks.append(await spawn(waiter(number)))
        await tasks[0]

    with pytest.raises(Deadlock) as caught:
        run(main())
    assert set(tasks) <= set(caught.value.tasks)


def test_a_wait_that_nobody_can_end_is_a_deadlock_that_lists_every_blocked_task() -> None:
    async def forgotten(mailbox: Waitable[None]) -> None:
        await mailbox  # for ever

    def generator(mailbox: Waitable[None]) -> Gen:
        yield forgotten(mailbox)

    async def main() -> None:
        mailbox: Waitable[None] = Waitable()
        first = await spawn(forgotten(mailbox), name="first")
        await spawn(generator(mailbox), name="second")
        await first  # the main wait

    with pytest.raises(Deadlock) as caught:
        run(main())
    lines = str(caught.value).splitlines()
    here = test_a_wait_that_nobody_can_end_is_a_deadlock_that_lists_every_blocked_task
    inner, outer = line_of(here, "# for ever"), line_of(here, "# the main wait")
    assert [task.name for task in caught.value.tasks][1:] == ["first", "second"]
    assert "'first')" in lines[1] and f"{__file__}:{outer} in " in lines[1]
    for line, name in zip(lines[2:4], ("first", "second"), strict=True):
        assert f"'{name}' is blocked on" in line and "Waitable" in line and f"{__file__}:{inner} in " in line
    assert "expect_calls" in lines[4]


def test_the_place_is_the_innermost_of_the_program() -> None:
    async def innermost() -> None:
        await Waitable()  # down here

    async def middle() -> None:
        await innermost()

    def delegating() -> Gen:
        yield from wait(never)  # in the generator

    async def main() -> None:
        await spawn(delegating_from())
        await middle()

    def delegating_from() -> Gen:
        yield from delegating()

    never: Waitable[None] = Waitable()
    with pytest.raises(Deadlock) as caught:
        run(main())
    lines = str(caught.value).splitlines()
    here = test_the_place_is_the_innermost_of_the_program
    assert re.search(rf"{__file__}:{line_of(here, '# down here')} in .*innermost", lines[1])
    assert re.search(rf"{__file__}:{line_of(here, '# in the generator')} in .*delegating", lines[2])


def test_the_blocked_tasks_are_ended_in_good_order() -> None:
    cleaned: list[str] = []

    async def blocked() -> None:
        try:
            await Waitable()
        finally:
            await sleep(1)
            cleaned.append("blocked")

    async def main() -> None:
        try:
            await (await spawn(blocked()))
        finally:
            cleaned.append("main")

    with pytest.raises(Deadlock):
        run(main(), clock=VirtualClock())
    assert sorted(cleaned) == ["blocked", "main"]


def test_a_daemon_that_waits_does_not_keep_main_from_ending() -> None:
    async def daemon() -> None:
        await Waitable()

    async def main() -> str:
        await spawn(daemon(), daemon=True)
        await checkpoint()
        return "ended"

    assert run(main()) == "ended"


def test_while_a_timer_runs_it_is_no_deadlock() -> None:
    mailbox: Waitable[str] = Waitable()

    async def later() -> None:
        await sleep(3600)
        mailbox.complete("mail")

    async def main() -> str:
        await spawn(later())
        return await mailbox

    assert run(main(), clock=VirtualClock()) == "mail"


def test_a_cancelled_timer_does_not_hide_a_deadlock() -> None:
    async def sleeper() -> None:
        await sleep(3600)

    async def main() -> None:
        task = await spawn(sleeper())
        await checkpoint()
        task.cancel()
        await Waitable()

    with pytest.raises(Deadlock):
        run(main())


def test_while_a_thread_is_at_work_it_is_no_deadlock() -> None:
    mailbox: Waitable[str] = Waitable()
    release = threading.Event()

    async def later() -> None:
        await run_in_thread(release.wait, 30)
        mailbox.complete("mail")

    async def main() -> str:
        await spawn(later())
        threading.Timer(0.05, release.set).start()
        return await mailbox

    assert run(main()) == "mail"


def test_while_a_descriptor_is_watched_it_is_no_deadlock() -> None:
    left, right = socket.socketpair()

    async def reader() -> bytes:
        await wait_readable(left)
        return left.recv(10)

    async def main() -> bytes:
        task = await spawn(reader())
        threading.Timer(0.05, right.send, [b"x"]).start()
        return await task

    with left, right:
        assert run(main()) == b"x"


def test_while_calls_are_expected_it_is_no_deadlock() -> None:
    async def main() -> str:
        kernel = (await current_task()).kernel
        mailbox: Waitable[str] = Waitable()
        with kernel.expect_calls():
            threading.Timer(0.05, kernel.call_from_thread, [mailbox.complete, "mail"]).start()
            answer = await mailbox
        with pytest.raises(Deadlock):
            await (await current_task())
        return answer

    assert run(main()) == "mail"


def test_after_the_last_expected_call_it_is_a_deadlock_again() -> None:
    async def main() -> None:
        kernel = (await current_task()).kernel
        with kernel.expect_calls():
            pass
        await Waitable()

    with pytest.raises(Deadlock):
        run(main())
