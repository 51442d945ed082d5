"""The statements of programs whose result cannot depend on the schedule.

Each ends in every schedule, or is cancelled with a block around it, and ends with `done()`. A block that may be
cancelled stands in `with doubtful():`, or is run by `doubt(...)`; what is done inside does not count for the result.
Whoever waits holds nothing that the others need to go on: so there is no deadlock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.fuzz.program import Bodies, Domain, Kind

FLAG = Domain(("0", "1"))
BODY = Bodies()
DELAY = Domain(("0", "0.1", "0.25", "0.5", "1", "2", "random()"))  # seconds
LIMIT = Domain(("0.1", "0.25", "1", "0", "3"))


@dataclass(frozen=True)
class Statement(Kind):
    """A kind of statement, with what of it is carried out in every schedule, unless something around it is cancelled."""

    sure_bodies: tuple[int, ...] = ()  # those of its arguments that are bodies
    sure_blocks: tuple[int, ...] = ()


def simple(name: str, weight: float, request: str, *domains: Domain) -> Statement:
    return Statement(name, weight, f"await {request}\ndone()", domains)


COMMON = (
    # Tasks.
    Statement("group", 14, "async with TaskGroup() as group:\n"
                           "    await start(group, body{0})\n"
                           "    await start(group, body{1})\n"
                           "    BLOCK0\n"
                           "done()", (BODY, BODY), 1, sure_bodies=(0, 1), sure_blocks=(0,)),
    Statement("call", 3, "await body{0}()\ndone()", (BODY,), sure_bodies=(0,)),
    simple("sleep", 10, "sleep({0})", DELAY),
    simple("checkpoint", 4, "checkpoint()"),
    simple("thread", 3, "in_thread({0})", DELAY),
    simple("iterate", 2, "iterate({0})", DELAY),
    # Cancellation. Some of the tasks that are cancelled have ended before, or have not begun.
    Statement("cancel", 8, "async with TaskGroup() as group:\n"
                           "    task = await start(group, doubt(body{0}))\n"
                           "    await sleep({1})\n"
                           "    task.cancel()\n"
                           "done()", (BODY, DELAY)),
    Statement("cancel twice", 3, "async with TaskGroup() as group:\n"
                                 "    task = await start(group, doubt(body{0}))\n"
                                 "    await start(group, partial(cancel_later, task, {1}))\n"
                                 "    await cancel_later(task, {2})\n"
                                 "done()", (BODY, DELAY, DELAY)),
    Statement("timeout", 8, "try:\n"
                            "    async with timeout({0}):\n"
                            "        with doubtful():\n"
                            "            BLOCK0\n"
                            "except TimeoutError:\n"
                            "    pass\n"
                            "done()", (LIMIT,), 1),
    Statement("retry", 3, "await retry({0}, {1})\ndone()", (LIMIT, DELAY)),
    Statement("failing group", 5, "failed = False\n"
                                  "try:\n"
                                  "    async with TaskGroup() as group:\n"
                                  "        await start(group, doubt(body{0}))\n"
                                  "        await start(group, partial(fail, {1}))\n"
                                  "        with doubtful():\n"
                                  "            BLOCK0\n"
                                  "except* Failure:\n"
                                  "    failed = True\n"
                                  "check(failed, 'a failure in a group got lost')\n"
                                  "done()", (BODY, DELAY), 1),
    Statement("clean up", 5, "enter()\n"
                             "try:\n"
                             "    BLOCK0\n"
                             "finally:\n"
                             "    leave()\n"
                             "done()", (), 1, sure_blocks=(0,)),
    Statement("refuse", 3, "async def refuse(begun):\n"
                           "    begun.set()\n"
                           "    try:\n"
                           "        await Event().wait()\n"
                           "    except Cancelled:\n"
                           "        take_back()\n"
                           "    BLOCK0\n"
                           "begun = Event()\n"
                           "async with TaskGroup() as group:\n"
                           "    task = await start(group, partial(refuse, begun))\n"
                           "    await begun.wait()\n"
                           "    await sleep({0})\n"
                           "    task.cancel()\n"
                           "done()", (DELAY,), 1, sure_blocks=(0,)),
    Statement("impatient", 3, "async def work():\n"
                              "    BLOCK0\n"
                              "async with TaskGroup() as group:\n"
                              "    task = await start(group, work)\n"
                              "    other = await start(group, partial(wait_for_task, task))\n"
                              "    await sleep({0})\n"
                              "    other.cancel()\n"
                              "done()", (DELAY,), 1, sure_blocks=(0,)),
    # Synchronisation.
    simple("add", 8, "add({0}, {1})", FLAG, DELAY),
    simple("add to both", 4, "add_to_both({0})", DELAY),
    simple("limited", 5, "limited({0})", DELAY),
    simple("borrow", 6, "borrow({0})", DELAY),
    simple("put", 8, "put({0})", FLAG),
    simple("exchange", 4, "exchange({0}, {1}, {2})", FLAG, DELAY, LIMIT),
    simple("notify", 4, "notify({0}, {1})", DELAY, LIMIT),
    simple("event", 3, "set_later({0})", DELAY),
    simple("barrier", 3, "meet({0}, {1})", DELAY, DELAY),
)

NATIVE = (
    *COMMON,
    Statement("shielded", 4, "async def work(begun):\n"
                             "    async with shielded():\n"
                             "        begun.set()\n"
                             "        BLOCK0\n"
                             "begun = Event()\n"
                             "async with TaskGroup() as group:\n"
                             "    task = await start(group, partial(work, begun))\n"
                             "    await begun.wait()\n"
                             "    await sleep({0})\n"
                             "    task.cancel()\n"
                             "done()", (DELAY,), 1, sure_blocks=(0,)),
    Statement("as completed", 3, "async with TaskGroup() as group:\n"
                                 "    tasks = [await start(group, body{0}), await start(group, body{1})]\n"
                                 "    ended = [task async for task in group.as_completed()]\n"
                                 "check(set(ended) == set(tasks), f'{{tasks}} have ended as {{ended}}')\n"
                                 "done()", (BODY, BODY), sure_bodies=(0, 1)),
)

ASYNCIO = (
    # Before Python 3.13, a failing group may swallow a cancellation (CPython 117407).
    *(replace(kind, since=(3, 13)) if kind.name == "failing group" else kind for kind in COMMON),
    Statement("gather", 4, "await gather(body{0}(), body{1}())\ndone()", (BODY, BODY), sure_bodies=(0, 1)),
    Statement("wait for", 5, "try:\n"
                             "    await wait_for(doubt(body{0})(), {1})\n"
                             "except TimeoutError:\n"
                             "    pass\n"
                             "done()", (BODY, LIMIT), since=(3, 12)),
    Statement("wait", 3, "async with TaskGroup() as group:\n"
                         "    left = [await start(group, body{0}), await start(group, body{1})]\n"
                         "    while left:\n"
                         "        _, left = await wait(left, timeout={2} + 0.1, return_when=FIRST_COMPLETED)\n"
                         "done()", (BODY, BODY, LIMIT), sure_bodies=(0, 1)),
)
