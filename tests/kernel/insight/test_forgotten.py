"""Forgotten requests: `python -X dev` warns of one that was made and never given to the kernel, and of no other."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, run_python

HEAD = """
import copy
import sys
from dataclasses import dataclass
from kernel import *

async def work(): return 7
async def make(request): return await request
"""


def dev(tmp_path: Path, program: str, *options: str) -> Outcome:
    """Run a program, of which HEAD is the beginning and `program` the rest, in development mode."""
    (tmp_path / "program.py").write_text(HEAD + textwrap.dedent(program))
    return run_python("-X", "dev", *options, "program.py", cwd=tmp_path)


def warned(outcome: Outcome) -> list[str]:
    """What was said to be never awaited."""
    assert outcome.status == 0, outcome.err
    return re.findall(r"^\S+program.py:\d+: RuntimeWarning: (?:coroutine )?(.*) was never awaited", outcome.err, re.M)


# A call in a task, and how the warning names it.
FORGOTTEN = {
    "sleep(1)": "sleep(1)", "sleep(0)": "checkpoint()", "sleep_until(9)": "sleep_until(9)",
    "checkpoint()": "checkpoint()", "now()": "now()", "current_task()": "current_task()",
    "lock.acquire()": "<Lock held by nobody>.acquire()", "RLock().acquire()": "<RLock held by nobody>.acquire()",
    "Condition(lock).acquire()": "<Lock held by nobody>.acquire()",
    "Condition(lock).wait()": "<Condition of Lock held by nobody, 0 waiting>.wait()",
    "Semaphore(2).acquire()": "<Semaphore with 2 left, 0 waiting>.acquire()",
    "Event().wait()": "<Event not set>.wait()", "Barrier(2).wait()": "<Barrier with 0 of 2 waiting>.wait()",
    "queue.get()": "<Queue with 0 items>.get()", "queue.join()": "<Queue with 0 items, 0 not done>.join()",
    "UniversalQueue().put(1)": "<UniversalQueue with 0 items>.put(...)",
    "wait(task)": "wait(task 2 'w')", "wait(Waitable())": "wait(<Waitable is not done>)",
    "server.wait()": "wait(<Waitable is not done>)", "wait(server.wait())": "wait(<Waitable is not done>)",
    "cancel(task)": "cancel(task 2 'w')", "wait_readable(0)": "wait_readable(0)",
    "run_in_thread(print)": "run_in_thread(print)", "limit_threads(2)": "limit_threads(2)",
    "open_file('x')": "open_file('x')", "open_process('true')": "open_process('true')",
}


def test_each_request_that_is_forgotten_is_named_where_it_was_made(tmp_path: Path) -> None:
    calls = "".join(f"    {call}\n" for call in FORGOTTEN)
    outcome = dev(tmp_path, f"""
async def main():
    lock, queue, task = Lock(), Queue(), await spawn(work(), name="w")
    server = await serve(work, "127.0.0.1", 0)
{calls}    await server.shutdown()
run(main())
""")
    assert warned(outcome) == list(FORGOTTEN.values())
    lines, place = (tmp_path / "program.py").read_text().splitlines(), f"{tmp_path}/program.py"
    for call, text in FORGOTTEN.items():
        number = lines.index(f"    {call}") + 1
        assert (f"{place}:{number}: RuntimeWarning: {text} was never awaited; it was made at {place}:{number} in main\n"
                f"  {call}\n") in outcome.err


def test_python_itself_warns_of_the_coroutines(tmp_path: Path) -> None:
    outcome = dev(tmp_path, """
        async def main():
            spawn(work())
            call(work())
            Queue().put(1)
            async with TaskGroup() as group:
                group.spawn(work())
        run(main())
        """)
    assert warned(outcome) == ["spawn(work(...))", "'work'", "call(work(...))", "'work'", "'Queue.put'",
                               "<TaskGroup without tasks>.spawn(work(...))", "'work'"]


def test_a_request_that_is_given_in_whatever_way_brings_no_warning(tmp_path: Path) -> None:
    outcome = dev(tmp_path, """
        def generator(lock, queue, task, event):
            for request in sleep(0.001), sleep(0), lock.acquire(), queue.get(), wait(task), event.wait(), now():
                yield request
            lock.release()
            yield from lock.acquire()
            yield from sleep(0)
            return (yield current_task())

        async def main():
            lock, queue, event, task = Lock(), Queue(), Event(), await spawn(work())
            event.set()
            await queue.put(1)
            assert await call(generator(lock, queue, task, event)) is await current_task()
            waiting = await spawn(make(lock.acquire()), name="waiting")
            stopped = await spawn(make(sleep(9)))
            never = await spawn(make(checkpoint()))
            never.cancel()  # before its first step
            await checkpoint()
            stopped.cancel()
            assert waiting.blocked_on is lock.request and "acquire() at" in repr(waiting)
            lock.release()
            later = sleep(0.001)
            await waiting
            await later
            twice = queue.get()
            await queue.put(2); await queue.put(3)
            assert [await twice, await twice] == [2, 3]
            async with await serve(work, "127.0.0.1", 0) as server, timeout(9), shielded(), TaskGroup() as group:
                assert not server.wait().done() and isinstance(wait(task), Task) and hash(wait(task)) == hash(task)
                await group.spawn(work())
                async for each in group.as_completed():
                    assert wait(each) == each and wait(each).result() == 7
        run(main())
        """)
    # `never` has never begun, so its request was not given; and neither were those that were only compared. Python
    # shows a warning once for each line and text.
    assert warned(outcome) == ["checkpoint()", "wait(task 2 'work')", "wait(task 7 'work')"]


def test_requests_of_the_program_s_own_classes(tmp_path: Path) -> None:
    outcome = dev(tmp_path, """
        class Answered(Syscall):
            def execute(self, kernel, task):
                task.inbox = repr(self)
                return True

        @dataclass
        class Data(Answered):
            question: str

        class Slots(Answered):
            __slots__ = ("a",)
            def __new__(cls, a):
                self = super().__new__(cls)
                self.a = a
                return self
            def __del__(self): print("gone", self.a)

        class Failing(Data):
            def __init__(self, question):
                super().__init__(question)
                raise ValueError(question)

        class Mute(Answered):
            def __repr__(self): raise ZeroDivisionError

        class Shared(Answered):
            shared = True

        class Both(Answered):
            def __init__(self, inner): self.inner = inner
            def execute(self, kernel, task): return self.inner.execute(kernel, task)
            def abort(self, kernel, task): self.inner.abort(kernel, task)

        async def main():
            Data("forgotten")
            assert await Data("given") == "Data(question='given')"
            Slots("a")
            await Slots("b")
            Mute()
            Shared()
            copy.copy(sleep(9.5))
            for wrong in lambda: Failing("x"), lambda: Answered(1), lambda: Data():
                try:
                    wrong()
                except (TypeError, ValueError) as error:
                    print(error)
            event = Event()
            both = await spawn(make(Both(event.wait())))
            await checkpoint()
            assert type(both.blocked_on) is Both
            both.cancel()
            print(not event.waiters)
        run(main())
        """)
    assert re.sub(r"object at \w+", "object", "|".join(warned(outcome))) == (
        "Data(question='forgotten')|<__main__.Slots object>|<Mute, whose repr() fails>|sleep(9.5)")
    assert sorted(outcome.out.splitlines()) == [
        "Answered() takes no arguments", "Data.__init__() missing 1 required positional argument: 'question'", "True",
        "gone a", "gone b", "x"]


def test_a_warning_obeys_the_filters_of_the_module_that_made_the_request(tmp_path: Path) -> None:
    program = "async def main(): sleep(1)\nrun(main())"
    assert dev(tmp_path, program, "-W", "ignore::RuntimeWarning:__main__").err == ""
    assert warned(dev(tmp_path, program, "-W", "ignore::RuntimeWarning:kernel")) == ["sleep(1)"]
    error = dev(tmp_path, program, "-W", "error::RuntimeWarning")
    assert error.status == 0 and "Exception ignored" in error.err and "RuntimeWarning: sleep(1) was never" in error.err


def test_a_request_that_a_module_keeps_to_the_end_brings_no_warning(tmp_path: Path) -> None:
    assert dev(tmp_path, "pause, again = sleep(1), Lock().acquire()\nrun(make(sleep(0.001)))").err == ""


def test_an_asyncio_program_is_warned_of_the_native_requests_that_it_forgets(tmp_path: Path) -> None:
    outcome = dev(tmp_path, """
        import compat

        async def main():
            lock = Lock()
            await sleep(0.001); await lock.acquire(); await compat.sleep(0)
            compat.get_running_loop().create_future()
            task = compat.create_task(work())
            wait(task)
            sleep(1)
            assert await wait(task) == 7
        compat.run(main())
        """)
    assert warned(outcome) == ["sleep(1)"]


def test_without_development_mode_nothing_is_there(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(HEAD + textwrap.dedent("""
        async def main():
            sleep(1)
            assert Lock.acquire(lock := Lock()) is lock.request
        run(main())
        assert "__new__" not in vars(Syscall) and "kernel.insight.forgotten" not in sys.modules
        """))
    assert run_python("program.py", cwd=tmp_path) == (0, "", "")


@pytest.mark.parametrize("options", [["-X", "dev"], []])
def test_errors_are_the_same(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "program.py").write_text(HEAD + textwrap.dedent("""
        async def tell(code):
            try:
                await code
            except RuntimeError as error:
                print(error)
        async def twice(request):
            await request
            await request
        async def main():
            lock, me = Lock(), await current_task()
            await tell(twice(sleep(0.001)))
            await tell(twice(lock.acquire()))
            await tell(make(wait(me)))
            try:
                spawn(sleep(1))
            except TypeError as error:
                print(error)
        run(main())
        """))
    outcome = run_python(*options, "program.py", cwd=tmp_path)
    assert outcome.out.replace(f"{tmp_path}/program.py", "") == textwrap.dedent("""\
        task 1 'main' made the request sleep(0.001), which was made before; make a new one
        task 1 'main' would wait for itself:
          task 1 'main' is blocked on <Lock held by task 1 'main'>.acquire() at :17 in twice
        (An RLock can be acquired again by its owner.)
        task 1 'main' waits in a circle:
          task 1 'main' is blocked on wait(task 1 'main') at :8 in make
        spawn() takes a coroutine or a generator, not sleep(1)
        """), outcome
