"""The flight recorder: what it keeps, and when it writes that out."""

from __future__ import annotations

import io
import signal
import socket
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernel import (Deadlock, Kernel, Lock, TaskGroup, VirtualClock, Waitable, call_in_kernel, current_task, run,
                    run_in_thread, sleep, spawn, wait_readable)
from kernel.insight import Observer, Recorder, watch
from tests.support.collector import collector_off
from tests.support.programs import failures, pool
from tests.support.reports import Reports


def recorded(program: Any) -> str:
    recorder = Recorder()
    run(program, clock=VirtualClock(), observer=recorder)
    return "".join(f"{event}\n" for event in recorder.events())


def test_workers_with_a_queue_and_a_lock() -> None:
    assert recorded(pool()) == """\
0.000000 task 1 'pool' spawn by code outside of the kernel
0.000000 task 1 'pool' request Enter
0.000000 task 1 'pool' request SpawnChild
0.000000 task 2 'a' spawn by task 1 'pool'
0.000000 task 1 'pool' request SpawnChild
0.000000 task 3 'b' spawn by task 1 'pool'
0.000000 task 1 'pool' request checkpoint
0.000000 task 2 'a' request Get
0.000000 task 3 'b' request Get
0.000000 task 1 'pool' request Put
0.000000 task 2 'a' wake Queue.get() by task 1 'pool' <0.000000s>
0.000000 task 1 'pool' request Put
0.000000 task 3 'b' wake Queue.get() by task 1 'pool' <0.000000s>
0.000000 task 1 'pool' request Join
0.000000 task 2 'a' request Acquire
0.000000 task 2 'a' request Sleep
0.000000 task 3 'b' request Acquire
1.000000 task 2 'a' wake sleep(1) by a timer <1.000000s>
1.000000 task 3 'b' wake Lock.acquire() by task 2 'a' <1.000000s>
1.000000 task 2 'a' request Get
1.000000 task 2 'a' exit returned
1.000000 task 3 'b' request Sleep
3.000000 task 3 'b' wake sleep(2) by a timer <2.000000s>
3.000000 task 3 'b' request Get
3.000000 task 1 'pool' wake TaskGroup.__aexit__() by task 3 'b' <3.000000s>
3.000000 task 3 'b' exit returned
3.000000 task 1 'pool' exit returned
"""


def test_what_is_called_and_what_fails() -> None:
    assert recorded(failures()) == """\
0.000000 task 1 'failures' spawn by code outside of the kernel
0.000000 task 1 'failures' request call
0.000000 task 1 'failures' request Sleep
1.000000 task 1 'failures' wake sleep(1) by a timer <1.000000s>
1.000000 task 2 'failing' spawn by task 1 'failures'
1.000000 task 1 'failures' request Task
1.000000 task 2 'failing' request Sleep
2.000000 task 2 'failing' wake sleep(1) by a timer <1.000000s>
2.000000 task 1 'failures' wake wait(task 2 'failing') by task 2 'failing' <1.000000s>
2.000000 task 2 'failing' exit ended with ValueError
2.000000 task 3 'other' spawn by task 1 'failures'
2.000000 task 1 'failures' request checkpoint
2.000000 task 3 'other' request Enter
2.000000 task 3 'other' request Sleep
2.000000 task 3 'other' wake sleep(10) by task 1 'failures' <0.000000s>
2.000000 task 1 'failures' request Task
2.000000 task 1 'failures' wake wait(task 3 'other') by task 3 'other' <0.000000s>
2.000000 task 3 'other' exit ended with Cancelled
2.000000 task 1 'failures' request Enter
2.000000 task 1 'failures' request Sleep
7.000000 task 1 'failures' wake sleep(10) by a timer <5.000000s>
7.000000 task 1 'failures' exit returned
"""


def test_a_ring_forgets_the_oldest() -> None:
    recorder = Recorder(3)
    run(pool(), clock=VirtualClock(), observer=recorder)
    assert [str(event) for event in recorder.events()] == ["3.000000 task 1 'pool' wake TaskGroup.__aexit__() by task 3 'b' <3.000000s>",
        "3.000000 task 3 'b' exit returned",
        "3.000000 task 1 'pool' exit returned"]
    recorder.clear()
    assert list(recorder.events()) == []


def test_the_same_is_recorded_beside_other_observers() -> None:
    class Steps(Observer):
        def resume(self, task: Any) -> None:
            pass

    recorder, second = Recorder(), Recorder()

    async def main() -> None:
        with watch(Steps()), watch(second):
            await pool()

    run(main(), clock=VirtualClock(), observer=recorder)
    lines = [str(event) for event in second.events()]
    assert lines == [str(event) for event in recorder.events()][-len(lines) - 1:-1] and len(lines) > 20


def test_who_has_ended_a_wait() -> None:
    recorder = Recorder()
    mailbox: Waitable[str] = Waitable()

    async def main() -> None:
        await run_in_thread(time.sleep, 0)
        bringer = await spawn(bring(), name="bringer")
        await mailbox
        await bringer

    async def bring() -> None:
        await run_in_thread(call_in_kernel, mailbox.complete, "done")

    run(main(), observer=recorder)
    causes = [(event.task.name, event.text, str(event.cause)) for event in recorder.events() if event.kind == "wake"]
    assert causes == [(main.__qualname__, "run_in_thread(sleep)", "call_from_thread(RunInThread._finish)"),
                      (main.__qualname__, "wait(<Waitable>)", "call_from_thread(Question.serve)"),
                      ("bringer", "run_in_thread(call_in_kernel)", "call_from_thread(RunInThread._finish)"),
                      (main.__qualname__, "wait(task 2 'bringer')", "task 2 'bringer'")]


def causes_of(main: Callable[[], Any], error: type[BaseException]) -> list[tuple[str, str]]:
    """The tasks that were woken, each with the cause, in a program that ends with `error`."""
    recorder = Recorder()
    with pytest.raises(error):
        run(main(), clock=VirtualClock(), observer=recorder)
    return [(event.task.name, str(event.cause)) for event in recorder.events() if event.kind == "wake"]


def test_a_group_cancels_tasks_since_one_has_failed() -> None:
    async def fails() -> None:
        await sleep(1)
        raise ValueError

    async def naps() -> None:
        await sleep(2)

    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(naps(), name="sibling")
            await group.spawn(fails(), name="failing")

    assert causes_of(main, ExceptionGroup)[:2] == [("failing", "a timer"), ("sibling", "task 3 'failing'")]


def test_ctrl_c_has_ended_a_wait() -> None:
    async def presses() -> None:
        signal.raise_signal(signal.SIGINT)

    async def main() -> None:
        await spawn(presses())
        await sleep(1)

    assert causes_of(main, KeyboardInterrupt) == [(main.__qualname__, "Ctrl-C")]


def test_it_keeps_nothing_of_the_program_alive() -> None:
    class Item:
        pass

    async def main() -> None:
        mailbox: Waitable[Item] = Waitable()
        task = await spawn(bring(mailbox))
        item = await mailbox
        await task
        items.add(item)
        tasks.add(task)

    async def bring(mailbox: Waitable[Item]) -> None:
        await sleep(1)
        mailbox.complete(Item())

    items: weakref.WeakSet[Item] = weakref.WeakSet()
    tasks: weakref.WeakSet[Any] = weakref.WeakSet()
    recorder = Recorder()
    with collector_off():
        run(main(), clock=VirtualClock(), observer=recorder)
        assert not items and not tasks and len(list(recorder.events())) > 5


def test_since_when_a_task_is_blocked() -> None:
    async def main() -> None:
        lock = Lock()
        await lock.acquire()
        task = await spawn(take(lock))
        await sleep(3)
        tap: Any = task.kernel.tap
        assert tap.blocked_since(task) == 1.0
        assert tap.blocked_since(await current_task()) is None
        lock.release()
        await task

    async def take(lock: Lock) -> None:
        await sleep(1)
        async with lock:
            pass

    run(main(), clock=VirtualClock(), observer=Recorder())


def test_a_deadlock_is_written_out(tmp_path: Path) -> None:
    file = tmp_path / "flight.txt"

    async def main() -> None:
        await sleep(1)
        await Waitable()

    with pytest.raises(Deadlock):
        run(main(), clock=VirtualClock(), observer=Recorder(file=str(file)))
    lines = file.read_text().splitlines()
    assert lines[0].startswith("--- 4 events: Deadlock: nothing is left that could wake the blocked tasks")
    assert lines[-1].startswith("1.000000 task 1 'test_a_deadlock_is_written_out.<locals>.main' request Waitable")


def test_an_exception_that_ends_the_block_is_written_out_and_an_exit_is_not() -> None:
    stream = io.StringIO()

    async def main(error: BaseException) -> None:
        raise error

    for error in ValueError("a value"), SystemExit(3):
        with pytest.raises(type(error)), Recorder(file=stream) as recorder:
            run(main(error), observer=recorder)
    assert stream.getvalue().splitlines()[0] == "--- 2 events: ValueError: a value"
    assert stream.getvalue().count("---") == 1


def test_a_long_step_is_written_out_with_the_line_that_it_came_to() -> None:
    stream = io.StringIO()

    async def main() -> None:
        await sleep(1)
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass
        await sleep(1)

    run(main(), clock=VirtualClock(), observer=Recorder(file=stream, slow=0.01))
    head, *lines = stream.getvalue().splitlines()
    assert "has held the kernel for 0.0" in head and f"{__file__}:" in head and " in test_a_long_step" in head
    assert [" slow for 0.0" in line for line in lines].count(True) == 1 and lines[-1].startswith("1.000000 ")
    assert "spawn" in lines[0] and len(lines) == 4


def test_what_was_written_out_is_not_written_again() -> None:
    stream = io.StringIO()

    async def main() -> None:
        for _ in range(2):
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                pass
            await sleep(1)

    run(main(), clock=VirtualClock(), observer=Recorder(file=stream, slow=0.01))
    assert stream.getvalue().count("---") == 2 and stream.getvalue().count(" spawn ") == 1


def test_a_request_is_let_go_when_it_is_answered() -> None:
    class Box(Waitable[str]):
        pass

    async def main() -> None:
        box = Box()
        reference = weakref.ref(box)
        task = await spawn(fill(box))
        await box
        del box
        await task
        assert reference() is None

    async def fill(box: Box) -> None:
        await sleep(1)
        box.complete("full")

    with collector_off():
        run(main(), clock=VirtualClock(), observer=Recorder())


def test_a_descriptor_that_has_ended_a_wait() -> None:
    recorder = Recorder()
    ours, theirs = socket.socketpair()

    async def main() -> None:
        task = await spawn(read(), name="reader")
        await sleep(0)
        theirs.send(b"x")
        await task

    async def read() -> None:
        await wait_readable(ours)

    with ours, theirs:
        run(main(), observer=recorder)
        causes = [str(event.cause) for event in recorder.events() if event.kind == "wake" and event.task.name == "reader"]
        assert causes == [f"descriptor {ours.fileno()}"]


def test_a_file_that_cannot_be_written_is_said_and_the_program_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Deadlock):
        run(forever(), observer=Recorder(file="/no/such/directory/file"))
    assert "the recorder cannot write to '/no/such/directory/file'" in caplog.text


async def forever() -> None:
    await Waitable()


def test_on_demand() -> None:
    stream = io.StringIO()

    async def main() -> None:
        await sleep(1)
        recorder.write(stream, "a signal")
        recorder.write(stream)

    recorder = Recorder()
    run(main(), clock=VirtualClock(), observer=recorder)
    assert "--- 3 events: a signal\n" in stream.getvalue() and "--- 3 events: on demand\n" in stream.getvalue()


@pytest.mark.parametrize("options", [{"size": 0}, {"size": -1}, {"slow": -1.0}, {"slow": float("nan")}])
def test_what_cannot_be_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="recorder keeps 1 event or more|slow= takes a number of seconds"):
        Recorder(**options)


def test_a_failing_task_is_reported_as_early_as_without_a_recorder() -> None:
    reports = Reports()

    async def main() -> None:
        await spawn(failing())
        await sleep(1)
        assert len(reports) == 1

    async def failing() -> None:
        raise ValueError

    with collector_off(), Kernel(clock=VirtualClock(), exception_hook=reports, observer=Recorder()) as kernel:
        kernel.run(main())
