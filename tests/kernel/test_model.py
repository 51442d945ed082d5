"""Random programs of thousands of tasks against a model of what the kernel is to do with them.

Each task has a script: sleeps, checkpoints, spawns, waits, cancellations and failures. The kernel runs the scripts as
coroutines and as generators; the model interprets the same scripts with nothing but lists, in about the simplest way
there is. Every event either of them sees goes into a log: the logs have to be equal, to the order and the virtual time
of each entry. So nothing can be lost, run twice, or woken out of turn.
"""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kernel import Cancelled, Kernel, Task, VirtualClock, cancel, checkpoint, sleep, spawn, wait
from tests.support.reports import Reports

TASKS = 1000
ROOTS = 20
ROUNDS = 12
SEED = int(os.environ.get("MODEL_SEED", random.randrange(2**32)))

Step = tuple[str, int]
Entry = tuple[float, int, int, str]  # when, which task, which step of it, what came of the step


class Failure(Exception):
    """What a script raises."""


@dataclass
class Script:
    steps: list[Step]
    resigns: bool  # whether a cancellation ends the task, or is swallowed


def random_scripts(chance: random.Random) -> list[Script]:
    """The script of every task; task 0 is main, which spawns the first few and waits for all at the end."""
    scripts = []
    parents: dict[int, list[int]] = {}
    for child in range(ROOTS + 1, TASKS):
        parents.setdefault(chance.randrange(max(1, child - 100), child), []).append(child)
    for number in range(1, TASKS):
        steps: list[Step] = [("spawn", child) for child in parents.get(number, ())]
        for _ in range(chance.randrange(6)):
            kind = chance.choice(["sleep", "sleep", "checkpoint", "wait", "wait", "cancel"])
            if kind == "sleep":
                steps.append((kind, chance.randrange(-1, 8)))
            elif kind == "wait":
                steps.append((kind, chance.randrange(number, min(TASKS, number + 100)) + 1))  # younger ones: no circle
            elif kind == "cancel":
                steps.append((kind, chance.randrange(max(1, number - 60), min(TASKS, number + 60))))
            else:
                steps.append((kind, 0))
        chance.shuffle(steps)
        if chance.random() < 0.15:
            steps.append(("fail", 0))
        scripts.append(Script(steps, chance.random() < 0.7))
    main = [("spawn", number) for number in range(1, ROOTS + 1)] + [("wait", number) for number in range(1, TASKS)]
    return [Script(main, False), *scripts]


# On the kernel.


class Program:
    """The scripts, run as tasks."""

    def __init__(self, scripts: list[Script]) -> None:
        self.scripts = scripts
        self.clock = VirtualClock()
        self.log: list[Entry] = []
        self.tasks: dict[int, Task[int]] = {}

    def note(self, number: int, place: int, what: str) -> None:
        self.log.append((self.clock.now(), number, place, what))

    def request(self, kind: str, argument: int) -> Any:
        """The syscall that a step makes; None for one that has nothing to wait for."""
        if kind == "sleep":
            return sleep(argument)
        if kind == "checkpoint":
            return checkpoint()
        if kind == "spawn":
            return spawn(self.code(argument))
        if argument not in self.tasks:
            return None
        return wait(self.tasks[argument]) if kind == "wait" else cancel(self.tasks[argument])

    def result(self, kind: str, argument: int, answer: Any) -> str:
        if kind == "spawn":
            self.tasks[argument] = answer
            return "spawned"
        return str(answer)

    def code(self, number: int) -> Any:
        return self.coroutine(number) if number % 2 else self.generator(number)

    async def coroutine(self, number: int) -> int:
        self.note(number, -1, "started")
        for place, (kind, argument) in enumerate(self.scripts[number].steps):
            if kind == "fail":
                raise Failure(number)
            try:
                request = self.request(kind, argument)
                what = "nobody" if request is None else self.result(kind, argument, await request)
            except Failure:
                what = "failure"
            except Cancelled:
                what = "cancelled"
            self.note(number, place, what)
            if what == "cancelled" and self.scripts[number].resigns:
                raise Cancelled
        return number

    def generator(self, number: int) -> Generator[Any, Any, int]:
        self.note(number, -1, "started")
        for place, (kind, argument) in enumerate(self.scripts[number].steps):
            if kind == "fail":
                raise Failure(number)
            try:
                request = self.request(kind, argument)
                if request is not None:
                    what = self.result(kind, argument, (yield request))
                else:
                    what = "nobody"
            except Failure:
                what = "failure"
            except Cancelled:
                what = "cancelled"
            self.note(number, place, what)
            if what == "cancelled" and self.scripts[number].resigns:
                raise Cancelled
        return number

    def ends(self) -> dict[int, str]:
        """How each task that was spawned has ended."""
        return {number: "alive" if not task.done() else "cancelled" if task.cancelled() else
                "returned" if task.exception() is None else "failed" for number, task in self.tasks.items()}


# In the model.


@dataclass
class Actor:
    number: int
    place: int = -1
    state: str = "ready"  # or "asleep", "waiting", and at last "returned", "failed" or "cancelled"
    answer: str = "started"  # what its next step will see
    answered: bool = False  # a wait has ended: a cancellation from now on comes after the answer
    pending: bool = False  # a cancellation that will strike where it suspends next
    waiters: list[Actor] = field(default_factory=list)
    waits_for: Actor | None = None
    alarm: tuple[float, int] = (0.0, 0)


class Model:
    """The scripts, interpreted."""

    def __init__(self, scripts: list[Script]) -> None:
        self.scripts = scripts
        self.log: list[Entry] = []
        self.now = 0.0
        self.alarms = 0
        self.actors = {0: Actor(0)}
        self.ready = deque([self.actors[0]])
        self.running: Actor | None = None

    def run(self) -> None:
        while True:
            while self.ready:
                self.running = self.ready.popleft()
                self.turn(self.running)
                self.running = None
            asleep = sorted((actor for actor in self.actors.values() if actor.state == "asleep"),
                            key=lambda actor: actor.alarm)
            if not asleep:
                return
            self.now = asleep[0].alarm[0]
            for actor in asleep:
                if actor.alarm[0] == self.now:
                    self.wake(actor, "None")

    def wake(self, actor: Actor, answer: str) -> None:
        actor.state, actor.answer, actor.answered, actor.waits_for = "ready", answer, True, None
        self.ready.append(actor)

    def turn(self, actor: Actor) -> None:
        """Let an actor go on until it suspends or ends."""
        actor.answered = False
        script = self.scripts[actor.number]
        if actor.place == -1 and actor.answer == "cancelled":
            return self.end(actor, "cancelled")
        while True:
            self.log.append((self.now, actor.number, actor.place, actor.answer))
            if actor.answer == "cancelled" and script.resigns:
                return self.end(actor, "cancelled")
            actor.place += 1
            if actor.place == len(script.steps):
                return self.end(actor, "returned")
            kind, argument = script.steps[actor.place]
            if kind == "fail":
                return self.end(actor, "failed")
            if self.suspends(actor, kind, argument):
                break
        if actor.pending:
            actor.pending = False
            self.strike(actor)

    def suspends(self, actor: Actor, kind: str, argument: int) -> bool:
        """Begin a step; whether it takes the actor out of the running."""
        target = self.actors.get(argument)
        actor.answer = "None"
        if kind == "checkpoint" or kind == "sleep" and argument <= 0:
            actor.state = "ready"
            self.ready.append(actor)
            return True
        if kind == "sleep":
            self.alarms += 1
            actor.state, actor.alarm = "asleep", (self.now + argument, self.alarms)
            return True
        if kind == "spawn":
            self.actors[argument] = Actor(argument)
            self.ready.append(self.actors[argument])
            actor.answer = "spawned"
        elif target is None:
            actor.answer = "nobody"
        elif kind == "cancel":
            actor.answer = str(self.cancel(target))
        elif target.state in ("returned", "failed", "cancelled"):
            actor.answer = self.outcome(target)
        else:
            target.waiters.append(actor)
            actor.state, actor.waits_for = "waiting", target
            return True
        return False

    def cancel(self, actor: Actor) -> bool:
        if actor.state in ("returned", "failed", "cancelled"):
            return False
        if actor.answered or actor is self.running:
            actor.pending = True
        else:
            self.strike(actor)
        return True

    def strike(self, actor: Actor) -> None:
        """Take an actor out of what it waits in."""
        if actor.state in ("asleep", "waiting"):
            if actor.waits_for is not None:
                actor.waits_for.waiters.remove(actor)
                actor.waits_for = None
            actor.state = "ready"
            self.ready.append(actor)
        actor.answer = "cancelled"

    def outcome(self, actor: Actor) -> str:
        return {"returned": str(actor.number), "failed": "failure", "cancelled": "cancelled"}[actor.state]

    def end(self, actor: Actor, state: str) -> None:
        actor.state = state
        for waiter in actor.waiters:
            self.wake(waiter, self.outcome(actor))

    def ends(self) -> dict[int, str]:
        return {number: actor.state for number, actor in self.actors.items() if number != 0}


def run_program(scripts: list[Script]) -> tuple[Program, Reports]:
    """Run scripts on a kernel; return the program and what was reported meanwhile."""
    reports = Reports()
    program = Program(scripts)
    # Time enough, on the virtual clock, for the longest of what a task may do after it was cancelled.
    with Kernel(clock=program.clock, grace=1000.0,
                exception_hook=reports) as kernel:
        assert kernel.run(program.code(0)) == 0
    return program, reports


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_the_kernel_does_what_the_model_does(round_: int) -> None:
    print(f"seed {SEED}, round {round_} (MODEL_SEED={SEED} repeats it)")
    scripts = random_scripts(random.Random(SEED + round_))
    model = Model(scripts)
    model.run()
    program, reports = run_program(scripts)
    for ours, expected in zip(program.log, model.log, strict=False):
        assert ours == expected
    assert program.log == model.log
    assert program.ends() == model.ends()
    assert program.clock.now() == model.now
    assert reports == []  # main has waited for every task, so that every failure was seen
    assert max(Counter(entry[1:3] for entry in program.log).values()) == 1


def test_the_programs_have_something_of_everything_in_them() -> None:
    print(f"seed {SEED}")
    ends: Counter[str] = Counter()
    events: Counter[str] = Counter()
    for round_ in range(ROUNDS):
        model = Model(random_scripts(random.Random(SEED + round_)))
        model.run()
        ends.update(model.ends().values())
        events.update("value" if entry[3].isdigit() else entry[3] for entry in model.log)
    print(ends, events)
    assert ends["returned"] + ends["failed"] + ends["cancelled"] == sum(ends.values()) > ROUNDS * TASKS / 2
    for what in "returned", "failed", "cancelled":
        assert ends[what] > 100
    for what in "value", "failure", "cancelled", "nobody", "True", "False", "None", "spawned", "started":
        assert events[what] > 50, what


@pytest.mark.parametrize("round_", range(3))
def test_a_run_that_is_broken_off_ends_every_task_once(round_: int) -> None:
    print(f"seed {SEED}, round {round_} (MODEL_SEED={SEED} repeats it)")
    scripts = random_scripts(random.Random(SEED + round_))
    scripts[0].steps[ROOTS:] = [("sleep", 5)]
    program, reports = run_program(scripts)
    ends = program.ends()
    assert "alive" not in ends.values() and len(ends) > ROOTS
    assert max(Counter(entry[1:3] for entry in program.log).values()) == 1
    failed = [number for number, end in ends.items() if end == "failed"]
    assert len(reports) <= len(failed)  # those that somebody waited for are not reported
