"""A request shows itself as the call that makes it, and an object that tasks wait at says in what state it is."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kernel
from kernel import (Barrier, Condition, Event, Lock, Queue, Semaphore, Syscall, TaskGroup, UniversalQueue, Waitable,
                    call, cancel, catch_signals, current_task, limit_threads, now, open_file, open_process, run,
                    run_in_process, run_in_thread, sleep, sleep_until, spawn, timeout, wait_readable, wait_writable)


async def work() -> None:
    pass


def all_requests(base: type[Any]) -> Iterator[type[Any]]:
    for cls in base.__subclasses__():
        yield cls
        yield from all_requests(cls)


@pytest.mark.parametrize(("request_", "text"), [
    (sleep(1.5), "sleep(1.5)"), (sleep_until(7), "sleep_until(7)"), (sleep(0), "checkpoint()"), (now(), "now()"),
    (current_task(), "current_task()"), (wait_readable(0), "wait_readable(0)"), (wait_writable(1), "wait_writable(1)"),
    (run_in_thread(print, 1), "run_in_thread(print)"), (run_in_process(print), "run_in_process(print)"),
    (limit_threads(3), "limit_threads(3)"), (open_process("ls"), "open_process('ls')"),
    (open_file("x"), "open_file('x')"), (timeout(3).__aenter__(), "<timeout(3)>.__aenter__()"),
    (Lock().acquire(), "<Lock held by nobody>.acquire()"), (Event().wait(), "<Event not set>.wait()"),
    (Semaphore(2).acquire(), "<Semaphore with 2 left, 0 waiting>.acquire()"),
    (Barrier(2).wait(), "<Barrier with 0 of 2 waiting>.wait()"), (Queue[int]().get(), "<Queue with 0 items>.get()"),
    (Condition().wait(), "<Condition of Lock held by nobody, 0 waiting>.wait()"),
    (Condition().wait_for(bool), "<Condition of Lock held by nobody, 0 waiting>.wait_for(...)"),
    (Queue[int]().join(), "<Queue with 0 items, 0 not done>.join()"),
    (UniversalQueue[int](1).put(1), "<UniversalQueue with 0 of 1 items>.put(...)"),
    (catch_signals(15).get(), "catch_signals(SIGTERM).get()"), (Waitable[int](), "<Waitable is not done>")])
def test_a_request_reads_as_the_call(request_: Syscall[Any], text: str) -> None:
    assert repr(request_) == text


@pytest.mark.parametrize(("make", "text"), [
    (spawn, "spawn(work(...))"), (call, "call(work(...))"),
    (TaskGroup().spawn, "<TaskGroup without tasks>.spawn(work(...))"),
    (lambda code: spawn(code, name="w", daemon=True), "spawn(work(...), name='w', daemon=True)")])
def test_code_in_a_request_is_named_by_its_function(make: Callable[[Any], Syscall[Any]], text: str) -> None:
    code = work()
    assert repr(make(code)) == text
    code.close()


def test_a_cancellation_names_the_task() -> None:
    async def main() -> None:
        task = await spawn(work(), name="w")
        assert repr(cancel(task)) == "cancel(task 2 'w')"
        assert repr(cancel(task, "enough")) == "cancel(task 2 'w', 'enough')"
        await task

    run(main())


def test_one_item_is_not_items() -> None:
    queue = Queue[int]()
    queue.put_nowait(1)
    assert repr(queue) == "Queue with 1 item"
    queue.put_nowait(2)
    assert repr(queue) == "Queue with 2 items"


def test_no_kind_of_request_is_shown_by_its_address() -> None:
    for module in pkgutil.walk_packages(kernel.__path__, "kernel."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds = [kind for kind in all_requests(Syscall) if kind.__module__.partition(".")[0] == "kernel"]
    assert len(kinds) > 40
    default: Any = object.__repr__
    # The bases of others, and what an observer sees in the place of a request, are never shown.
    assert {kind.__qualname__ for kind in kinds if kind.__repr__ is default} == {"Steps", "TappedRequest", "WaitInLine"}
