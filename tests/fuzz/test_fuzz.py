"""The fuzzers: a few programs each, and that they find the bugs they are for."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import compat
import kernel

from tests.support.interpreters import run_python

from .__main__ import main
from .campaign import BATCH, Fuzzer
from .fuzzers import FUZZERS
from .isolation import Died, isolated
from .program import Block, Program, random_program, size
from .shrink import shrink
from .source import source_of


@pytest.mark.parametrize(("name", "seeds"), [("asyncio", range(640, 715)), ("native", range(530, 630))])
def test_nothing_is_wrong_with_some_programs(name: str, seeds: range) -> None:
    failing = [seed for first in seeds[::BATCH] for seed in FUZZERS[name].failing(range(first, first + BATCH))]
    assert not failing, "\n".join(FUZZERS[name].explain(seed) for seed in failing[:1])


@pytest.mark.parametrize("name", FUZZERS)
def test_a_seed_is_always_the_same_program(name: str) -> None:
    kinds = FUZZERS[name].kinds
    assert random_program(7, kinds) == random_program(7, kinds) != random_program(8, kinds)
    status, out, err = run_python("-m", "tests.fuzz", name, "--seed", "790")
    assert status == 0, out + err
    assert out.startswith(source_of(random_program(790, kinds), kinds))


@pytest.mark.parametrize("name", FUZZERS)
def test_every_kind_of_statement_comes_up_and_can_be_compiled(name: str) -> None:
    kinds = FUZZERS[name].kinds
    met: set[str] = set()

    def look(block: Block) -> None:
        for step in block:
            met.add(step.kind)
            for inner in step.blocks:
                look(inner)

    for seed in range(300):
        program = random_program(seed, kinds)
        compile(source_of(program, kinds), "<program>", "exec")
        for block in program:
            look(block)
    assert met == {kind.name for kind in kinds}


def kinds_in(block: Block) -> set[str]:
    return {step.kind for step in block}.union(*(kinds_in(inner) for step in block for inner in step.blocks))


def test_a_program_is_shrunk_to_what_makes_it_fail() -> None:
    def fails(program: Program) -> bool:
        found = set[str]().union(*map(kinds_in, program))
        return {"sleep", "cancel"} <= found

    kinds = FUZZERS["asyncio"].kinds
    programs = (random_program(seed, kinds) for seed in range(1000))
    program = next(program for program in programs if fails(program) and size(program) > 40)
    smallest = shrink(program, fails)
    assert fails(smallest)
    assert size(smallest) == 2
    assert {number for block in smallest for step in block for number in step.numbers} == {0}


def test_a_process_that_hangs_or_crashes_is_noticed() -> None:
    assert isolated(lambda: 42, 10.0) == 42
    with pytest.raises(Died, match="did not end"):
        isolated(lambda: time.sleep(60), 0.2)
    with pytest.raises(Died, match="without a result"):
        isolated(lambda: os._exit(1), 10.0)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        isolated(lambda: 1 / 0, 10.0)


# Planted bugs: each breaks one thing in one way, in the process that the program runs in.

Plant = Callable[[pytest.MonkeyPatch], None]


def uncancel_that_does_not_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compat.Task, "uncancel", lambda self: max(0, self.cancel_requests - 1))


def cancel_that_loses_its_message(patch: pytest.MonkeyPatch) -> None:
    original: Any = compat.Task.cancel
    patch.setattr(compat.Task, "cancel", lambda self, msg=None: original(self))


def timers_that_are_late(patch: pytest.MonkeyPatch) -> None:
    original: Any = compat.EventLoop.call_at
    patch.setattr(compat.EventLoop, "call_at", lambda self, when, callback, *args, **others:
                  original(self, when + 0.25, callback, *args, **others))


def failures_of_callbacks_that_vanish(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compat.EventLoop, "call_exception_handler", lambda self, context: None)


def put_that_puts_twice(patch: pytest.MonkeyPatch) -> None:
    original = kernel.Queue.put_nowait

    def put_nowait(self: kernel.Queue[Any], item: Any) -> None:
        original(self, item)
        if not self.full():
            original(self, item)

    patch.setattr(kernel.Queue, "put_nowait", put_nowait)


def get_that_drops(patch: pytest.MonkeyPatch) -> None:
    original = kernel.Queue.get_nowait

    def get_nowait(self: kernel.Queue[Any]) -> Any:
        if self.qsize() > 1:
            original(self)
        return original(self)

    patch.setattr(kernel.Queue, "get_nowait", get_nowait)


def lock_that_lets_everyone_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel.Lock, "__aenter__", lambda self: kernel.checkpoint())
    patch.setattr(kernel.Lock, "__aexit__", lambda self, *error: kernel.checkpoint())


def event_that_wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel.Event, "wait", lambda self: kernel.Waitable())


def group_that_does_not_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel.TaskGroup, "__aexit__", lambda self, *error: kernel.timeout(None).__aenter__())


def shield_that_is_none(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel, "shielded", lambda: kernel.timeout(None))


def failures_that_are_not_reported(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel.Kernel, "report", lambda self, message, error: None)


def native_uncancel_that_does_not_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel.Task, "uncancel", lambda self: self.cancelling())


def sleep_that_is_too_long(patch: pytest.MonkeyPatch) -> None:
    original = kernel.sleep
    patch.setattr(kernel, "sleep", lambda seconds: original(seconds if seconds < 3 else seconds + 1))


PLANTS: list[tuple[str, Plant]] = [
    ("asyncio", uncancel_that_does_not_count), ("asyncio", cancel_that_loses_its_message),
    ("asyncio", timers_that_are_late), ("asyncio", failures_of_callbacks_that_vanish),
    ("native", put_that_puts_twice), ("native", get_that_drops),
    ("native", lock_that_lets_everyone_in), ("native", event_that_wakes_nobody), ("native", group_that_does_not_wait),
    ("native", shield_that_is_none), ("native", failures_that_are_not_reported),
    ("native", native_uncancel_that_does_not_count), ("native", sleep_that_is_too_long)]


@pytest.mark.parametrize(("name", "plant"), PLANTS, ids=lambda item: getattr(item, "__name__", item))
def test_a_planted_bug_is_found(name: str, plant: Plant) -> None:
    fuzzer = FUZZERS[name]

    def judge(source: str, seed: int) -> str | None:
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            return fuzzer.judge(source, seed)

    planted = Fuzzer(name, fuzzer.kinds, judge)
    found = (seed for first in range(640, 1640, BATCH) for seed in planted.failing(range(first, first + BATCH)))
    seed = next(seed for seed in found if fuzzer.verdict(fuzzer.source(seed), seed) is None)
    small = planted.smallest(seed, 2.0)
    assert size(small) < size(random_program(seed, fuzzer.kinds))
    assert planted.verdict(source_of(small, fuzzer.kinds), seed)


def test_what_is_printed_in_the_end_is_not_taken_for_a_test_run() -> None:
    status, out, err = run_python("-m", "tests.fuzz", "--seed", "785", "--seconds", "0.1")
    assert status == 0, out + err
    assert "fuzz asyncio: " in out and "fuzz native: " in out
    assert not re.search(r"^[0-9]+ (passed|failed|error).* in [0-9.]+s", out, re.MULTILINE)


def test_a_fuzzer_that_is_killed_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$3" in native) kill -9 $$;; esac\n')  # $1 and $2: -m tests.fuzz
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "argv", ["tests.fuzz"])
    assert main() == 1


def test_a_program_that_fails_only_after_others_is_told_of(capfd: pytest.CaptureFixture[str]) -> None:
    judged: list[int] = []

    def judge(source: str, seed: int) -> str | None:
        judged.append(seed)
        return "wrong" if len(judged) == 3 else None

    fuzzer = Fuzzer("asyncio", FUZZERS["asyncio"].kinds, judge)
    assert list(fuzzer.failing(range(5, 10))) == []
    assert "the program of seed 7 failed after those before it from 5 on" in capfd.readouterr().out
