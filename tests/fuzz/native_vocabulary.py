"""The statements that random native programs are made of.

The names in them are those of a `World` (`native_world.py`) and of `Scopes` (`native_scopes.py`).
"""

from __future__ import annotations

from .program import Bodies, Domain, Kind

FLAG = Domain(("0", "1"))
NUMBER = Domain(("0", "1", "2"))
TASK = Domain(("task(1)", "task(2)", "task(3)", "task(4)", "task(5)", "task(0)"))
BODY = Bodies()
DAEMON = Domain(("False", "False", "True"))
ODD = Domain(("False", "False", "True"))
DELAY = Domain(("0", "1", "2", "3", "5", "-1"))
LIMIT = Domain(("1", "0", "2", "3", "None", "-1", "4"))
WHEN = Domain(("None", "now() + 1", "now()", "now() + 2", "now() - 1", "math.nan", "math.inf", "now() + 4"))
MESSAGE = Domain(("None", "'first'", "'second'"))
CAUGHT = Domain(("BaseException", "Exception", "kernel.Cancelled", "Failure", "TimeoutError"))
ACTION = Domain((
    "events[0].set()", "put_now({here}, 0, False)", "put_now({here}, 2, False)", "boxes[0].complete(1)",
    "cancel(task(1))", "cancel(task(2))", "events[0].clear()", "queues[0].close()",
    "boxes[1].fail(ValueError('box'))", "barriers[0].reset()"))


def waiting(name: str, weight: float, request: str, *domains: Domain, target: str = "None") -> Kind:
    """A statement that waits for something."""
    return Kind(name, weight, f"with at({{here}}, {target}):\n    await {request}", domains)


def attempt(name: str, weight: float, expression: str, *domains: Domain) -> Kind:
    """A statement that does not wait, and whose exception goes no further."""
    return Kind(name, weight, f"attempt({{here}}, lambda: {expression})", domains)


KINDS = (
    # Tasks and waiting for them.
    Kind("spawn", 14, "tasks[{0}] = await kernel.spawn(life(body{0}), daemon={1})", (BODY, DAEMON)),
    waiting("await", 6, "{0}", TASK, target="{0}"),
    waiting("wait", 3, "kernel.wait({0})", TASK, target="{0}"),
    Kind("sleep", 10, "with at({here}), lasting({here}, {0}):\n    await kernel.sleep({0})", (DELAY,)),
    waiting("sleep until", 2, "kernel.sleep_until(now() + {0})", DELAY),
    waiting("checkpoint", 4, "kernel.checkpoint()"),
    waiting("call", 3, "kernel.call(body{0}())", BODY),
    # Cancellation.
    attempt("cancel", 9, "cancel({0}, {1})", TASK, MESSAGE),
    attempt("cancel oneself", 2, "cancel(me())"),
    attempt("uncancel", 2, "uncancel()"),
    Kind("timeout", 7, "async with timeout({here}, {0}) as limits[{1}]:\n    BLOCK0", (LIMIT, FLAG), 1),
    attempt("reschedule", 3, "reschedule({0}, {1})", FLAG, WHEN),
    Kind("timeout that moves", 3, "async with timeout({here}, {0}) as limits[{1}]:\n"
                                  "    attempt({here}, lambda: reschedule({1}, {2}))\n"
                                  "    BLOCK0", (LIMIT, FLAG, WHEN), 1),
    Kind("shielded", 5, "async with shielded({here}):\n    BLOCK0", (), 1),
    Kind("group", 7, "async with group({here}) as groups[{0}]:\n"
                     "    await spawn_in_group({here}, {0}, {1}, body{1}, {2})\n"
                     "    BLOCK0", (FLAG, BODY, DAEMON), 1),
    Kind("spawn in a group", 4, "await spawn_in_group({here}, {0}, {1}, body{1}, {2})", (FLAG, BODY, DAEMON)),
    attempt("cancel group", 2, "cancel_group({0})", FLAG),
    Kind("as completed", 2, "with at({here}):\n    async for child in children({0}):\n        BLOCK0", (FLAG,), 1),
    # Control flow.
    Kind("attempt", 9, "try:\n    BLOCK0\nexcept {0} as error:\n    caught({here}, error)\n    BLOCK1", (CAUGHT,), 2),
    Kind("clean up", 5, "try:\n    BLOCK0\nfinally:\n    BLOCK1", (), 2),
    Kind("pass on", 3, "try:\n    BLOCK0\nexcept {0} as error:\n    caught({here}, error)\n    BLOCK1\n    raise",
         (CAUGHT,), 2),
    Kind("fail", 4, "fail({here})"),
    # Synchronisation.
    Kind("lock", 5, "with at({here}, locks[{0}]):\n"
                    "    async with locks[{0}]:\n"
                    "        with holding({here}, locks[{0}]):\n"
                    "            BLOCK0", (FLAG,), 1),
    Kind("condition", 4, "with at({here}, conditions[{0}].lock):\n"
                         "    async with conditions[{0}]:\n"
                         "        with holding({here}, conditions[{0}].lock):\n"
                         "            BLOCK0", (FLAG,), 1),
    Kind("wait on condition", 4, "with at({here}), without({here}, conditions[{0}].lock):\n"
                                 "    await conditions[{0}].wait()", (FLAG,)),
    attempt("notify", 4, "conditions[{0}].notify({1})", FLAG, NUMBER),
    attempt("notify all", 1, "conditions[{0}].notify_all()", FLAG),
    Kind("semaphore", 4, "with at({here}, semaphores[{0}]):\n"
                         "    async with semaphores[{0}]:\n"
                         "        with unit({here}, semaphores[{0}]):\n"
                         "            BLOCK0", (FLAG,), 1),
    waiting("wait for event", 3, "events[{0}].wait()", FLAG, target="events[{0}]"),
    attempt("set event", 3, "events[{0}].set()", FLAG),
    attempt("clear event", 1, "events[{0}].clear()", FLAG),
    waiting("barrier", 3, "barriers[{0}].wait()", FLAG, target="barriers[{0}]"),
    attempt("reset barrier", 1, "barriers[{0}].reset()", FLAG),
    attempt("abort barrier", 0.5, "barriers[{0}].abort()", FLAG),
    waiting("wait for box", 3, "boxes[{0}]", FLAG, target="boxes[{0}]"),
    attempt("complete box", 2, "boxes[{0}].complete({here})", FLAG),
    Kind("new box", 1, "boxes[{0}] = kernel.Waitable()", (FLAG,)),
    Kind("put", 7, "with at({here}, Put(queues[{0}])), putting({here}, {0}, {1}) as item:\n"
                   "    await queues[{0}].put(item)", (NUMBER, ODD)),
    Kind("get", 7, "with at({here}, Get(queues[{0}])):\n    got({here}, {0}, await queues[{0}].get())", (NUMBER,)),
    Kind("get all", 1, "with at({here}):\n"
                       "    async for item in queues[{0}]:\n"
                       "        got({here}, {0}, item)\n"
                       "        BLOCK0\n"
                       "        if enough({here}):\n"
                       "            break", (NUMBER,), 1),
    attempt("put now", 3, "put_now({here}, {0}, {1})", NUMBER, ODD),
    attempt("get now", 3, "got({here}, {0}, queues[{0}].get_nowait())", NUMBER),
    attempt("task done", 2, "queues[{0}].task_done()", NUMBER),
    waiting("join queue", 1, "queues[{0}].join()", NUMBER),
    attempt("close queue", 0.7, "queues[{0}].close()", NUMBER),
    *(attempt(f"call {number}", 0.5, f"call(lambda: {action})") for number, action in enumerate(ACTION.texts)),
)
