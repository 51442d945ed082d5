"""The statements that random asyncio programs are made of.

The names in them are those of a `World` (`asyncio_world.py`), and `asyncio`, which is either that or `compat`.
"""

from __future__ import annotations

from .program import Bodies, Domain, Kind

FLAG = Domain(("0", "1"))
TRUTH = Domain(("False", "True"))
NUMBER = Domain(("0", "1", "2"))
MESSAGE = Domain(("", "'first'", "None", "'second'", "7"))
TASK = Domain(("task(1)", "task(2)", "task(3)", "task(4)", "task(5)", "task(0)", "asyncio.current_task()"))
BODY = Bodies()
# Whole numbers, which floats add up without rounding. Times that are over already are among them.
DELAY = Domain(("0", "1", "2", "3", "5", "-1"))
PERHAPS = Domain(("None", "1", "2", "0", "3"))
WHEN = Domain(("None", "loop.time()", "loop.time() + 1", "loop.time() + 2", "loop.time() - 1", "loop.time() + 5"))
AWAITABLE = Domain((
    "task(1)", "task(2)", "task(3)", "asyncio.sleep(1)", "futures[0]", "futures[1]", "events[0].wait()",
    "queues[0].get()", "locks[0].acquire()", "semaphores[0].acquire()", "asyncio.shield(task(1))",
    "asyncio.shield(futures[0])", "asyncio.shield(task(2))", "asyncio.gather(task(1), task(2))",
    "asyncio.gather(task(2), futures[0], return_exceptions=True)", "asyncio.wait_for(task(3), 1)",
    "asyncio.wait_for(futures[1], 2)", "barriers[0].wait()", "body6()", "asyncio.sleep(0, 'slept')"))
FUTURE = Domain(("futures[0]", "futures[1]", "task(1)", "task(2)", "task(3)"))
ACTION = Domain((
    "None", "futures[0].set_result(1)", "futures[1].set_exception(ValueError('set'))", "task(1).cancel()",
    "task(2).cancel('called')", "events[0].set()", "failure(OSError('in a callback'))", "futures[0].cancel('future')",
    "failure(Base('in a callback'))", "queues[0].put_nowait('called')", "variable.set('called')", "task(3).uncancel()",
    "failure(asyncio.CancelledError('in a callback'))", "loop.call_soon(log, 'called again')"))
ERROR = Domain((
    "ValueError('value')", "Base('base')", "Frozen('frozen')", "asyncio.CancelledError('own')",
    "TimeoutError('timeout')", "KeyError('key') from OSError('cause')", "StopIteration(1)", "StopAsyncIteration(2)",
    "ExceptionGroup('group', [ValueError('in group'), KeyError('too')])",
    "BaseExceptionGroup('base', [Base('in base')])", "GeneratorExit()", "ValueError", "RuntimeError('none') from None", "asyncio.CancelledError"))
SET = Domain(tuple(text for text in ERROR.texts if " from " not in text))
CAUGHT = Domain(("BaseException", "Exception", "asyncio.CancelledError", "ValueError", "TimeoutError"))
MODE = Domain(("asyncio.ALL_COMPLETED", "asyncio.FIRST_COMPLETED"))
YIELDED = Domain(("None", "1", "loop.create_future()", "futures[0]", "object", "task(1)"))
QUESTION = Domain(("done()", "cancelled()", "cancelling()", "result()", "exception()", "uncancel()"))


def simple(name: str, weight: float, expression: str, *domains: Domain, since: tuple[int, int] = (3, 11)) -> Kind:
    """A statement that logs what an expression gives."""
    return Kind(name, weight, f"log({{here}}, {expression})", domains, since=since)


def attempt(name: str, weight: float, expression: str, *domains: Domain, since: tuple[int, int] = (3, 11)) -> Kind:
    """The same, where an exception is logged too and goes no further."""
    return simple(name, weight, f"attempt(lambda: {expression})", *domains, since=since)


KINDS = (
    # Tasks and waiting for them.
    Kind("spawn", 14, "tasks[{0}] = asyncio.create_task(body{0}())", (BODY,)),
    Kind("spawn eagerly", 3, "tasks[{0}] = asyncio.Task(body{0}(), loop=loop, eager_start=True)", (BODY,),
         since=(3, 12)),
    Kind("spawn in a context", 1, "tasks[{0}] = asyncio.create_task(body{0}(), context=context)", (BODY,)),
    simple("await", 10, "await {0}", AWAITABLE),
    simple("sleep", 10, "await asyncio.sleep({0})", DELAY),
    simple("call", 2, "await body{0}()", BODY),
    simple("wait for", 7, "await asyncio.wait_for({0}, {1})", AWAITABLE, PERHAPS),
    simple("wait for a body", 3, "await asyncio.wait_for(body{0}(), {1})", BODY, PERHAPS),
    simple("gather", 5, "await asyncio.gather({0}, body{1}(), {2}, return_exceptions={3})", TASK, BODY, FUTURE, TRUTH),
    simple("wait", 3, "await asyncio.wait([{0}, {1}], timeout={2}, return_when={3})", TASK, FUTURE, PERHAPS, MODE),
    # One future only: with FIRST_EXCEPTION asyncio looks at the exceptions of several in the order of a set, which is
    # chance, and an exception that it has looked at is not reported later.
    simple("wait for an exception", 2, "await asyncio.wait([{0}], timeout={1}, return_when=asyncio.FIRST_EXCEPTION)",
           FUTURE, PERHAPS),
    Kind("keep", 2, "futures[{0}] = asyncio.ensure_future({1})", (NUMBER, AWAITABLE)),
    simple("shield a body", 2, "await asyncio.shield(body{0}())", BODY),
    # Cancellation.
    attempt("cancel", 9, "{0}.cancel({1})", TASK, MESSAGE),
    attempt("uncancel", 4, "{0}.uncancel()", TASK),
    attempt("cancel and take it back", 2, "({0}.cancel({1}), {0}.uncancel())", TASK, MESSAGE),
    attempt("cancel oneself", 2, "asyncio.current_task().cancel({0})", MESSAGE),
    attempt("ask", 3, "{0}.{1}", TASK, QUESTION),
    Kind("timeout", 5, "async with asyncio.timeout({0}) as limits[{1}]:\n"
                       "    BLOCK0\n"
                       "log({here}, limits[{1}].expired())", (PERHAPS, FLAG), 1),
    attempt("reschedule", 3, "limits[{0}].reschedule({1})", FLAG, WHEN),
    Kind("timeout that moves", 2, "async with asyncio.timeout({0}) as limits[{1}]:\n"
                                  "    log({here}, attempt(lambda: limits[{1}].reschedule({2})))\n"
                                  "    BLOCK0", (PERHAPS, FLAG, WHEN), 1),
    Kind("group", 6, "async with Group() as groups[{0}]:\n"
                     "    tasks[{1}] = groups[{0}].create_task(body{1}())\n"
                     "    BLOCK0", (FLAG, BODY), 1),
    attempt("spawn in a group", 3, "spawn_in_group({0}, {1}, body{1}())", FLAG, BODY),
    # Control flow.
    Kind("attempt", 9, "try:\n    BLOCK0\nexcept {0} as error:\n    log({here}, error)\n    BLOCK1", (CAUGHT,), 2),
    Kind("clean up", 4, "try:\n    BLOCK0\nfinally:\n    log({here}, 'finally')\n    BLOCK1", (), 2),
    Kind("pass on", 3, "try:\n    BLOCK0\nexcept {0} as error:\n    log({here}, error)\n    BLOCK1\n    raise",
         (CAUGHT,), 2),
    Kind("replace", 1, "try:\n    BLOCK0\nexcept {0} as error:\n    raise KeyError('other') from error", (CAUGHT,), 1),
    Kind("raise", 3, "raise {0}", (ERROR,)),
    Kind("return", 1, "return {0}", (NUMBER,)),
    Kind("iterate", 2, "async for value in generator{0}():\n    log({here}, value)\n    BLOCK0", (BODY,), 1),
    Kind("break off", 2, "async for value in generator{0}():\n    log({here}, value)\n    BLOCK0\n    break",
         (BODY,), 1),
    simple("yield", 1, "await Yield({0})", YIELDED),
    Kind("set variable", 1, "variable.set({here})"),
    simple("get variable", 1, "variable.get()"),
    simple("look round", 1, "len(asyncio.all_tasks()), asyncio.current_task()"),
    # Futures and callbacks.
    Kind("new future", 2, "futures[{0}] = loop.create_future()", (NUMBER,)),
    attempt("set result", 3, "futures[{0}].set_result({here})", NUMBER),
    attempt("set exception", 2, "futures[{0}].set_exception(error_of(lambda: failure({1})))", NUMBER, SET),
    attempt("cancel future", 2, "futures[{0}].cancel({1})", NUMBER, MESSAGE),
    Kind("call soon", 3, "handles[{0}] = loop.call_soon(act, {here}, lambda: {1})", (NUMBER, ACTION)),
    Kind("call later", 3, "handles[{0}] = loop.call_later({1}, act, {here}, lambda: {2})", (NUMBER, DELAY, ACTION)),
    attempt("cancel call", 2, "handles[{0}].cancel()", NUMBER),
    attempt("when done", 4, "{0}.add_done_callback(Done({here}, lambda: {1}))", FUTURE, ACTION),
    # Synchronisation.
    attempt("set event", 3, "events[{0}].set()", FLAG),
    attempt("clear event", 1, "events[{0}].clear()", FLAG),
    simple("wait for event", 4, "await events[{0}].wait()", FLAG),
    Kind("lock", 3, "async with locks[{0}]:\n    log({here}, 'locked')\n    BLOCK0", (FLAG,), 1),
    attempt("release", 1, "locks[{0}].release()", FLAG),
    Kind("condition", 3, "async with conditions[{0}]:\n    log({here}, 'condition')\n    BLOCK0", (FLAG,), 1),
    simple("wait on condition", 1, "await conditions[{0}].wait()", FLAG),
    Kind("whole condition", 5, "async with conditions[{0}]:\n    log({here}, await conditions[{0}].wait())", (FLAG,)),
    attempt("notify", 3, "conditions[{0}].notify({1})", FLAG, NUMBER),
    Kind("semaphore", 3, "async with semaphores[{0}]:\n    log({here}, semaphores[{0}].locked())\n    BLOCK0",
         (FLAG,), 1),
    attempt("release unit", 1, "semaphores[{0}].release()", FLAG),
    simple("put", 3, "await queues[{0}].put({here})", NUMBER),
    simple("get", 5, "await queues[{0}].get()", NUMBER),
    attempt("put now", 2, "queues[{0}].put_nowait({here})", NUMBER),
    attempt("get now", 2, "queues[{0}].get_nowait()", NUMBER),
    attempt("task done", 1, "queues[{0}].task_done()", NUMBER),
    simple("join queue", 1, "await queues[{0}].join()", NUMBER),
    attempt("shut queue", 1, "queues[{0}].shutdown({1})", NUMBER, TRUTH, since=(3, 13)),
    simple("barrier", 4, "await barriers[0].wait()"),
    simple("reset barrier", 1, "await barriers[0].reset()"),
    simple("abort barrier", 0.5, "await barriers[0].abort()"),
    # The end of everything.
    Kind("exit", 0.3, "raise {0}", (Domain(("SystemExit(3)", "KeyboardInterrupt()")),)),
)
