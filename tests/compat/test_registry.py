"""`asyncio.all_tasks()`, whether compat has found asyncio's set of tasks or goes by asyncio's functions."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.support.paths import ROOT

HIDDEN = "import weakref; weakref.getweakrefs = lambda object: []"  # by which compat finds the set

PROGRAM = """
import asyncio, compat, gc, sys
from compat import current

def names():
    return sorted(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task())

def step():
    asyncio.get_running_loop().call_soon(lambda: None)
    return asyncio.sleep(0)

async def child(seconds):
    await asyncio.sleep(seconds)

async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: print(context["message"]))
    assert names() == []
    tasks = [loop.create_task(child(3600), name="waits"), loop.create_task(child(0), name="ends")]
    print(names(), asyncio.all_tasks() == {*tasks, asyncio.current_task()})
    await step(), await step(), await step()
    print(names())
    tasks[0].cancel()
    await step(), await step()
    print(names())

    async def forgotten():
        await loop.create_future()

    task = loop.create_task(forgotten(), name="forgotten")
    await step()
    print(names())
    del tasks, task
    gc.collect()
    print(names())
    if sys.version_info >= (3, 12):
        loop.set_task_factory(compat.eager_task_factory)
        at_once, later = loop.create_task(child(0), name="at once"), loop.create_task(child(3600), name="later")
        assert names() == ["at once", "later"]
        await step(), await step()
        assert names() == ["later"]

compat.run(main())
assert not asyncio.all_tasks(asyncio.new_event_loop())
print(type(current.scheduled).__name__)
"""


@pytest.mark.parametrize(("before", "kind"), [("", "set"), (HIDDEN, "Functions")], ids=["found", "not found"])
def test_all_tasks_gives_those_that_there_are(before: str, kind: str) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", f"{before}\n{textwrap.dedent(PROGRAM)}"], cwd=ROOT,
                          capture_output=True, text=True, timeout=30)
    assert (done.stderr, done.stdout.splitlines()) == ("", [
        "['ends', 'waits'] True", "['waits']", "[]", "['forgotten']", "Task was destroyed but it is pending!", "[]", kind])
