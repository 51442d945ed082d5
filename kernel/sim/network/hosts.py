"""Hosts: machines of a simulated world. Each has an address, sockets, tasks, a clock that may be wrong, and a disk.

A task belongs to the host of whoever has spawned it: a context variable says so, as contexts are handed on from task to
task, and to callbacks. All hosts share one kernel. What a crash stops is what has a context of the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from ...core import Kernel
from ...failures import abort_failed
from ...insight.finding import kernel_here
from ...task import Task
from .disks import Disk

if TYPE_CHECKING:
    from .endpoints import Endpoint
    from .wires import Network

Program = Callable[[], Any]


class Life:
    """A host from a start to a crash. What was there before a crash is not there after it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.dead = False
        self.silent = False  # it has lost power: its system tells no peer that its connections are gone
        self.endpoints: dict[Endpoint, None] = {}


HERE: ContextVar[Life] = ContextVar("host")


class Host:
    """A host. Made by `world.host`."""

    def __init__(self, network: Network, name: str, address: str, clock_offset: float) -> None:
        self.name = name
        self.address = address
        self.clock_offset = clock_offset
        self.disk = Disk(name, network.world.choices.choose)
        self.life = Life(self)
        self.program: Program | None = None  # what a restart runs
        self._network = network

    @property
    def up(self) -> bool:
        """Whether it has not crashed, or was restarted since."""
        return not self.life.dead

    def run(self, main: Program, *, name: str | None = None) -> Any:
        """Run `main()` in a task of this host; the answer is the task. Tasks that it spawns are of this host as well.

        `main` is an `async def` function without arguments; `restart` runs it again. `name` is the task's name, by
        default the host's. Where the program has not begun, in a function that is given as `world=`, the task is made
        when it begins, and the answer is None. Raises `RuntimeError` when the host has crashed and was not restarted,
        `TypeError` for what is no such function.
        """
        if hasattr(main, "send") or not callable(main):
            if hasattr(main, "close"):
                main.close()  # a coroutine, which will not be run
            raise TypeError(f"host.run() takes a function that makes the program, such as 'async def main(): ...' "
                            f"itself, since a restart runs it again, not {main!r}")
        if self.life.dead:
            raise RuntimeError(f"host {self.name!r} has crashed; call its restart() first")
        kernel = self._kernel("run")
        self.program = main
        if kernel is None:
            self._network.at_next_poll.append(lambda: self.run(main, name=name))
            return None
        context = copy_context()
        context.run(HERE.set, self.life)
        code = context.run(main)
        loop = getattr(kernel, "loop", None)  # asyncio's tasks are made by its loop
        if loop is not None:
            return loop.create_task(code, name=name or self.name, context=context)
        return kernel.spawn(code, name or self.name, context=context)

    def crash(self, *, power: bool = False, restart_after: float | None = None) -> None:
        """Stop all that runs on this host, at once: no `finally` is run, no exception is raised.

        Its system closes its sockets, so that peers see an end or a reset; with `power` it has no time for that, and
        peers hear nothing until they send something to the host after a restart. Of its disk only what was synced is
        sure to be left. Who waits for its tasks, outside of the host, goes on as if they had been cancelled. After
        `restart_after` seconds, if that is given, `restart` is called. A host may crash itself: then what runs makes its
        step to the end. The host of the program itself cannot crash: `ValueError`. `RuntimeError` if the host has
        crashed already.
        """
        if self is self._network.main:
            raise ValueError("the host of the program itself cannot crash; run what is to crash on a host of its own")
        if self.life.dead:
            raise RuntimeError(f"host {self.name!r} has crashed already; call its restart() first")
        kernel = self._kernel("crash")
        if kernel is None:
            raise RuntimeError(f"host {self.name!r} cannot crash before the program has begun")
        life = self.life
        if self._network.here() is life:  # what runs now makes its step to the end
            self._network.at_next_poll.append(lambda: None if life.dead else self.crash(
                power=power, restart_after=restart_after))
            kernel.end_turn()
            return
        life.dead, life.silent = True, power
        if self._network.audience is not None:
            self._network.audience.crashed(self)
        for endpoint in list(life.endpoints):
            endpoint.crashed()
        self.disk.crashed()
        self._network.crashed = True
        if restart_after is not None:
            self._network.at(self._network.world.clock.time + restart_after,
                             lambda: self.restart() if self.life is life else None, f"the restart of {self.name}")
        bury(kernel, [task for task in kernel.everyone() if life_of(task) is life], self._network.buried)

    def restart(self, main: Program | None = None) -> Any:
        """Start the host again, and run `main()` on it, by default what `run` was given last; the answer is its task.

        A host that is up is started again as well: it crashes first. `RuntimeError` when it is the host itself that
        calls this.
        """
        main = main or self.program
        if main is None:
            raise RuntimeError(f"host {self.name!r} has run nothing yet; give restart() an 'async def' function")
        if self._network.here() is self.life:
            raise RuntimeError(f"host {self.name!r} cannot restart itself; have another host do it")
        if not self.life.dead:
            self.crash()
        self.life = Life(self)
        if self._network.audience is not None:
            self._network.audience.started(self)
        return self.run(main)

    def _kernel(self, method: str) -> Kernel | None:
        """The kernel that runs; None before there is one."""
        kernel = kernel_here()
        if not self._network.open or kernel is None and self._network.pollers:
            raise RuntimeError(f"host.{method}() was called outside of the simulated program that has made the host "
                               f"{self.name!r}; hosts are made anew in each run")
        return kernel

    def __repr__(self) -> str:
        return f"<Host {self.name!r} at {self.address}{'' if self.up else ', crashed'}>"


def life_of(item: Any) -> Life | None:
    """Of which host something is that the kernel runs: a task, a callback, or what stands for a task."""
    context = getattr(item, "context", None) or getattr(item, "_context", None)
    if context is None and isinstance(task := getattr(item, "task", None), Task):
        context = task.context
    while context is not None and not isinstance(context, Context):
        context = getattr(context, "context", None)  # a tap's stand-in has it
    return None if context is None else context.get(HERE)


def bury(kernel: Kernel, tasks: Iterable[Task[Any]], buried: list[Any]) -> None:
    """Stop `tasks` for ever, without a step of theirs. Their code goes to `buried`, so that nothing closes it yet."""
    tasks = list(tasks)
    for task in tasks:
        request, task.blocked_on = task.blocked_on, None
        # A future of asyncio's has no `abort`: whom it wakes has no part in the run any more.
        if request is not None and not hasattr(request, "_asyncio_future_blocking"):
            try:
                request.abort(kernel, task)
            except BaseException as error:
                abort_failed(kernel, request, task, error)
    for task in tasks:
        codes = [task.code, *reversed(task.callers or ())]
        buried += codes
        task.code, task.callers = codes[-1], None
        task.abandon()
