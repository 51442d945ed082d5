"""Why a task waits: until who does what, what that one waits for, and so on to the end of the chain.

    task 1 'main' is blocked on wait(task 2 'Ann') at bank.py:28 in main
    └ until task 2 'Ann' ends, which is blocked on <Lock held by task 3 'Bob'>.acquire() at bank.py:16 in transfer
      └ until task 3 'Bob' releases it, which is blocked on sleep(5) at bank.py:15 in transfer
        └ until its timer fires, in 3.1s
"""

from __future__ import annotations

from collections.abc import Iterator

from .words import Data, View, condition, duration, label, labels, safe

DEEPEST = 20  # tasks of a chain

# What another task does that ends a wait in the line of a lock, a queue or the like, by the call that waits.
_DEEDS = {"get": "puts something into the {}", "put": "takes something out of the {}",
          "join": "has done the rest of the {}", "acquire": "releases the {}", "wait": "ends the wait at the {}"}


def reasons(view: View, task: Data) -> Iterator[str]:
    """The lines that say it, of a task in a live view."""
    yield f"{label(task)} {condition(view, task)}"
    chain = {task["id"]}
    for level in range(DEEPEST):
        indent = "  " * level + "└ until "
        if task["free"] is not None:
            yield "  " * level + "└ and nothing is on its way that would wake it"
            return
        others = [number for number in task["awaits"] if number in view.tasks]
        if not others:
            yield indent + _end(view, task)
            return
        releases = task["lock"] is not None and others[0] in (view.kernel["locks"][task["lock"] - 1]["holders"] or ())
        deed = "releases it" if releases else "ends"
        if len(others) > 1:
            yield f"{indent}one or all of these end: {labels(view, others)}; of the first of them:"
        task = view.tasks[others[0]]
        if task["id"] in chain:
            yield f"{indent}{label(task)} {deed}, which stands above: the tasks wait in a circle"
            return
        chain.add(task["id"])
        yield f"{indent}{label(task)} {deed}, which {condition(view, task)}"
    yield "  " * DEEPEST + "└ and so on"


def _end(view: View, task: Data) -> str:
    """What ends a wait when it is not known to be a certain task."""
    if task["state"] != "blocked":
        return "its turn comes: it does not wait" if task["state"] == "ready" else "its step ends: it does not wait"
    if task["until"] is not None:
        return f"its timer fires, in {duration(max(0.0, task['until'] - view.kernel['now']))}"
    if task["lock"] is not None:
        lock = view.kernel["locks"][task["lock"] - 1]
        call = next((waiter["call"] for waiter in lock["waiters"] if waiter["task"] == task["id"]), "wait")
        return f"some task {_DEEDS.get(call, _DEEDS['wait']).format(safe(lock['text']))}"
    if task["descriptor"] is not None:
        return f"descriptor {task['descriptor']} is ready"
    return "it is woken, by nobody who is known here: a thread, a signal, a child process or another task"
