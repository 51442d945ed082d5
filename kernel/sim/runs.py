"""One simulated run of a program: its devices, its choices, and what went wrong in it.

A run is made by an engine, a function that runs a program on the devices of the run: there is one for native programs
and one for asyncio's.
"""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from random import Random
from threading import get_ident
from typing import Any, NamedTuple, TypedDict

from ..checks import check_seconds, running_event_loop
from ..core import Kernel
from ..deadlock import Deadlock
from ..devices import Tap
from ..failures import drop_frame
from ..insight.free_waits import free_waits
from ..insight.requests import frames, place_key
from ..lifecycle import running_kernel
from ..syscalls import Code
from ..task import Task
from ..workers.threads import pool
from .cancelling import CancellingQueue, Cancels, Injection, key_of
from .choices import Choices, Plan, Replay
from .claims import Claims, claims_here, here
from .determinism import LoggedQueue
from .devices import EndlessRun, SimulatedQueue, SimulatedTimers, World
from .failures import Failed, Failure, check_kinds
from .functions import simulated_threads
from .leftovers import leftovers
from .lost import Cancellations
from .network.faults import FAULTS
from .network.poller import SimulatedPoller
from .network.sockets import is_of_another_host
from .refusals import NO_DESCRIPTORS, Unsimulated
from .stories import Story
from .surroundings import OtherThread, Surroundings
from .tapes import Misfit, Tape
from .words import name_of, state_of

Main = Callable[[], Code[Any]]


class Engine(NamedTuple):
    """How programs of a kind are run: inside of `around(run)`, by `run(run, main)`."""

    around: Callable[[Run], AbstractContextManager[None]]
    run: Callable[[Run, Main], Any]


MOST_STEPS = 100_000  # of a run: one that makes more is not expected to end
LONGEST_STALL = 1.0  # seconds that a step may take, or a sleep may be late: as on a machine that is loaded, not stopped
FEW_TASKS = 8  # of which each is looked at whenever time passes
FEW_LOOKS = 256  # at the tasks; after each so many the next comes one pause later
SEEDS = 2 ** 16  # of random numbers
_NEVER_AWAITED = "coroutine .* was never awaited"
_KINDS_OF_ERRORS: dict[type[BaseException], str] = {Deadlock: "deadlock", EndlessRun: "endless",
                                                     Unsimulated: "unsimulated"}


class Settings(TypedDict, total=False):
    """What a run may be told; all have defaults."""

    order: str  # of the ready tasks: "kept" (the default), or "any"
    longest_stall: float  # seconds that a step may take, or that a sleep may be late
    checks: Iterable[str] | None  # the kinds of failures to look for; None: all
    most_steps: int  # after which a run is taken for one that does not end
    faults: Iterable[str]  # that may strike: "partition", "reset", "crash"; by default none
    world: Callable[[], object] | None  # called at the beginning of a run, to make its hosts and links


class Run(World):
    """A run of a program in simulation; it can be made once. After it, `failures` has what went wrong.

    `checks` are the kinds of failures to look for, all by default. `cancels` are the names of tasks that may be
    cancelled wherever they are suspended, and where the program cancels them. `story` is told of every deviation.
    `logged` has every step noted in `log`.
    """

    def __init__(self, plan: Plan, *, reach: int = 2, cancels: Iterable[tuple[str, str]] = (), order: str = "kept",
                 longest_stall: float = LONGEST_STALL, checks: Iterable[str] | None = None,
                 most_steps: int = MOST_STEPS, faults: Iterable[str] = (), world: Callable[[], object] | None = None,
                 story: Story | None = None, logged: bool = False) -> None:
        if order not in ("kept", "any"):
            raise ValueError(f"order= is 'kept' or 'any', not {order!r}")
        longest_stall = check_seconds(longest_stall, "Run")
        super().__init__(Choices(plan), reach, order, longest_stall, most_steps)
        self.plan = plan
        self.order = order
        self.checks = check_kinds(checks)
        self.story = story
        self.cancels = Cancels(cancels, longest_stall)
        self._logged = logged
        self.failures: list[Failure] = []
        self.value: Any = None
        self.claims = Claims(self.clock.now, lambda message, error: self.fail("claim", message, error))
        self._around = Surroundings(self.clock.read, self.clock.pass_time,
                                    lambda: self.choices.choose("seed", SEEDS, "random numbers"), self.network)
        self.network.faults = check_faults(faults)
        if world is not None and not callable(world):
            raise TypeError(f"world= is a function that makes hosts and links, not {world!r}")
        self._world = world
        self._cancellations: Cancellations
        self.places: set[int] = set()  # hashes of where the tasks were suspended, all together, whenever time passed
        self._looks = 0  # at the tasks, when time passed
        self._pauses_left = 0  # until the next
        self._stuck: weakref.WeakSet[Task[Any]] = weakref.WeakSet()  # the tasks of which this was said

    # What the devices ask.

    def devices(self) -> dict[str, Any]:
        """Devices for a kernel, as arguments of its class."""
        queue = SimulatedQueue(self)
        if self._logged or self.cancels.places:
            queue = (LoggedQueue if self._logged else CancellingQueue)(self, self.cancels.places, self._may_cancel)
        return {"ready": queue, "clock": self.clock, "poller": SimulatedPoller(self.network), "observer": self}

    def attach_to(self, kernel: Kernel) -> Tap:
        """`kernel` is being made, with devices of this run."""
        queue, poller = kernel.ready, kernel.poller
        self.choices.closed = False  # another part of the program may begin
        assert isinstance(queue, SimulatedQueue) and isinstance(poller, SimulatedPoller)
        kernel.timers = queue.timers = SimulatedTimers(self)
        queue.kernel = poller.kernel = kernel
        kernel.resources.replace(pool, partial(simulated_threads, self, self._around))
        return EndOfMain(self)

    def idle(self, kernel: Kernel) -> None:
        self._look_at_claims()
        if self._pauses_left:
            self._pauses_left -= 1
            return
        # To look at each of many tasks takes long, and to look thousands of times does. What is found stays as it is, so
        # a look now and then does as well.
        tasks = kernel.everyone()
        self._looks += 1
        self._pauses_left = (len(tasks) // 2 if len(tasks) > FEW_TASKS else 0) + self._looks // FEW_LOOKS
        self.places.add(sum(hash(place_key(frames(task))) for task in tasks if task.blocked_on is not None))
        self._look_at_tasks(kernel)

    def look(self, kernel: Kernel) -> None:
        """Look for what is wrong while no task is ready."""
        self._look_at_claims()
        self._look_at_tasks(kernel)

    def _look_at_claims(self) -> None:
        claims = self.claims
        if claims.always or claims.eventually:
            claims.look()

    def _look_at_tasks(self, kernel: Kernel) -> None:
        if "stuck" in self.checks:
            for wait in free_waits(kernel):
                if wait.task not in self._stuck:
                    self._stuck.add(wait.task)
                    self.fail("stuck", str(wait))

    def thread(self) -> OtherThread | None:
        return self._around.threads.get(get_ident())

    def random(self) -> Random:
        return self._around.source()

    @property
    def refused(self) -> list[Unsimulated]:
        """What the program did that cannot be simulated, also where it has caught the errors."""
        return self._around.refused

    def refuse(self, what: str, why: str = NO_DESCRIPTORS) -> BaseException:
        return self._around.refuse(what, why)

    def deviated(self, kernel: Kernel, began: float, about: list[Any]) -> None:
        if self.story is not None:
            self.story.deviated(self.choices.deviations[-1], kernel, began, about)

    def deviated_outside(self, subject: Any, what: str) -> None:
        if self.story is not None:
            self.story.deviations.append(f"at {self.clock.time:g} s {name_of(subject)} {what}")

    def _may_cancel(self, task: Task[Any], injection: Injection) -> None:
        """Cancel `task`, by choice, where it is suspended."""
        if self.choices.closed:
            return
        self.cancels.choices.append(self.choices.made)
        if self.choices.choose("cancel", 2, task):
            self.deviated(task.kernel, self.clock.time, [task, self.cancels.places[key_of(task)]])
            self.cancels.inject(task, injection)
            self._cancellations.ask(task)

    def _hear(self, task: Task[Any], msg: Any, place: str | None, by_block: bool) -> bool:
        """The program is about to cancel `task`; whether the exploration has done that before."""
        if self.cancels.hear(task, msg, place, by_block):
            return True
        if self.story is not None:
            self.story.cancelled(task)
        return False

    # What goes wrong.

    def fail(self, kind: str, message: str, error: BaseException | None = None) -> None:
        """Note a failure, if its kind is looked for."""
        if kind in self.checks:
            self.failures.append(Failure(kind, message, error))

    def unretrieved(self, message: str, error: BaseException) -> None:
        """The exception hook of the kernel."""
        self.fail("unretrieved", f"{message}: {error!r}", error)

    def main_ended(self, kernel: Kernel, main: Task[Any] | None) -> None:
        """The program has ended; the shutdown is still to come."""
        if "leftover" in self.checks:
            for task in leftovers(kernel, main):
                self.fail("leftover", f"the program has ended, and left behind {name_of(task)}, which {state_of(task)}")
        if not kernel.ready:
            self.look(kernel)
        self.claims.end()
        self.network.main_ended(kernel)
        self.choices.closed = True
        self._cancellations.stop()

    # The run itself.

    def raise_failures(self) -> None:
        """Raise what went wrong, if anything did: the exception of the program itself, or else `Failed`."""
        if self.failures:
            first = self.failures[0]
            if first.kind in ("exception", "deadlock", "endless", "unsimulated") and first.error is not None:
                raise first.error
            raise Failed(self.failures)

    def make(self, engine: Engine, main: Main) -> None:
        """Run `main` by `engine`. Only what ends an exploration is raised: Ctrl-C, and a tape that does not fit."""
        check_outside()
        with engine.around(self):
            try:
                self.value = engine.run(self, main)
            except (KeyboardInterrupt, Misfit):
                raise
            except BaseException as error:
                drop_frame(error)
                self.ended_with(error)
        self.finish()

    def ended_with(self, error: BaseException) -> None:
        """The program has ended with `error`: what comes before all else that went wrong, since it was noticed."""
        kind = next((kind for cls, kind in _KINDS_OF_ERRORS.items() if isinstance(error, cls)), "exception")
        if kind in self.checks:
            self.failures.insert(0, Failure(kind, f"{type(error).__qualname__}: {error}", error))

    def finish(self) -> None:
        """The run is over. Raise `Misfit` if it was to follow a tape that has not come to its end."""
        if isinstance(self.plan, Replay):
            self.plan.finish(self.choices.made)
        self.failures = [failure for failure in self.failures if self.cancels.counts(failure)]

    @contextmanager
    def surroundings(self, *task_classes: type[Task[Any]]) -> Iterator[None]:
        """While inside, this run is the one of this thread: with its time, its random numbers and its refusals.

        `task_classes` are those of the program's tasks that define `cancel`; by default the kernel's.
        """
        self._cancellations = Cancellations(lambda loss: self.fail("lost cancellation", str(loss)), *task_classes)
        self._cancellations.hear = self._hear
        here.claims = self.claims
        collecting = gc.isenabled()
        gc.disable()  # it would run at moments that differ from run to run, and so would finalizers
        try:
            with warnings.catch_warnings(record=True) as caught, self._cancellations, self._around:
                warnings.filterwarnings("always", _NEVER_AWAITED, RuntimeWarning)
                warnings.filterwarnings("always", category=ResourceWarning)
                if self._world is not None:
                    self._world()
                yield
                gc.collect(0)  # for what is said when something is thrown away: what the run has made is all young
                self.network.end()
        finally:
            here.claims = None
            if collecting:
                gc.enable()
        for warning in caught:
            if warning.category is RuntimeWarning and "was never awaited" in str(warning.message):
                self.fail("never awaited", str(warning.message).partition("\n")[0])
            elif warning.category is ResourceWarning and is_of_another_host(warning.source):
                pass  # such a host has no end
            elif warning.category is ResourceWarning and warning.source is None and self.network.crashed:
                pass  # a StreamWriter that does not say whose it is; of the program's own the transport warns as well
            elif warning.category is ResourceWarning:
                self.fail("leftover", f"the program has not closed something: {warning.message}")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno,
                                       source=warning.source)
        for error in self.refused:
            if all(failure.error is not error for failure in self.failures):  # else it is what the program ended with
                self.fail("unsimulated", str(error), error)

    @classmethod
    def of_tape(cls, tape: Tape, settings: Settings, *, plan: Plan | None = None, story: Story | None = None,
                logged: bool = False) -> Run:
        """The run that repeats the one of which it is the tape; or one by another `plan` with the same choices."""
        # How a run was made decides what its choices mean.
        settings = {**settings, "order": tape.order, "longest_stall": tape.longest_stall, "faults": tape.faults}
        return cls(Replay(tape) if plan is None else plan, reach=tape.reach, cancels=tape.cancels, story=story,
                   logged=logged, **settings)

    def tape(self) -> Tape:
        """What was chosen."""
        deviations = tuple(self.choices.deviations)
        cancels = tuple(self.cancels.places.items()) if deviations else ()
        return Tape(deviations, self.reach, self.order, self.longest_stall, self.network.faults, cancels)


class EndOfMain:
    """The tap of a simulated kernel: notices that the program has ended, when the shutdown has not begun."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def ended(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        if error is not None:
            self._run.cancels.failed(error)
        if task is task.kernel.main:
            self._run.main_ended(task.kernel, task)

    def attach(self, task: Task[Any]) -> None: ...
    def moved(self, task: Task[Any]) -> None: ...
    def renamed(self, task: Task[Any]) -> None: ...
    def deadlock(self, error: Deadlock) -> None:
        self._run.cancels.deadlock()
        for task in error.tasks[:1]:
            self._run.look(task.kernel)


def check_faults(faults: Iterable[str]) -> tuple[str, ...]:
    """The kinds of faults, each once, in an order of their own. `ValueError` for one that does not exist."""
    asked = {faults} if isinstance(faults, str) else set(faults)
    if unknown := asked.difference(FAULTS):
        raise ValueError(f"there is no fault {min(unknown)!r}; the faults are {', '.join(FAULTS)}")
    return tuple(fault for fault in FAULTS if fault in asked)


def check_outside() -> None:
    """Raise `RuntimeError` where a program runs already in this thread."""
    if claims_here() is not None or running_kernel() is not None or running_event_loop() is not None:
        raise RuntimeError("a simulation was begun inside of a program that runs; call simulate() and explore() "
                           "outside of it, and give them the function that is to be run")
