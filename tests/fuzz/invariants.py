"""A program on the native kernel, with tasks in a random order and virtual time, and a witness that knows the rules."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr

import kernel
from tests.support.ready_queues import RandomReady

from .native_rest import WatchedClock, WatchedKernel, check_end, check_left
from .native_scopes import Scopes
from .native_world import World, numbers

SETTLING = 50.0  # virtual seconds, in which a program comes to its end, or is stuck
ENDINGS = "sleep", "deadlock", "at once"
GRACE = 1000.0  # virtual seconds; what a program does takes less


def violations(source: str, seed: int) -> str | None:
    """What a program makes the kernel do that it must not, with the events that led there; None when all is well.

    The seed decides on the order of tasks.
    """
    clock = WatchedClock()
    runner = WatchedKernel(ready=RandomReady(seed), clock=clock, grace=GRACE)
    world = clock.world = runner.world = World(runner)
    runner.exception_hook = world.report
    Scopes(world)
    exec(compile(source, "<program>", "exec"), world.names)
    with redirect_stderr(io.StringIO()):
        try:
            runner.run(first(world, ENDINGS[seed % len(ENDINGS)]))
        except BaseException as error:
            world.tell("the end", f"the run ended with {error!r}")
            for number in numbers(error):
                world.fates[number].append(("seen", None))
        check_left(world)
        runner.close()
    check_end(world)
    if not world.violations:
        return None
    log = [f"    {line}" for line in world.log[-60:]]
    return "\n".join([f"the native kernel on Python {sys.version.split()[0]}:", *log, *world.violations[:5]])


async def first(world: World, ending: str) -> object:
    """The main task: has another run the program's, and then ends, or gives the others time, or waits for ever."""
    world.tasks[0] = world.me()
    task = world.tasks[0] = await kernel.spawn(world.life(world.names["body0"]))
    if ending == "sleep":
        await kernel.sleep(SETTLING)
    elif ending == "deadlock":
        await kernel.Event().wait()
    return await task
