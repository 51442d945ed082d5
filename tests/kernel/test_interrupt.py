"""Ctrl-C, by a real SIGINT to a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import kernel
from tests.support.interpreters import LIMIT, Process, ended, next_line, started_python

PROLOGUE = """
import signal, sys, threading
from kernel import *

def say(*words):
    print(*words, flush=True)
"""


@contextmanager
def program(source: str) -> Iterator[Process]:
    """Run a program that says "ready" when it may be interrupted; go on from there."""
    with started_python("-c", PROLOGUE + textwrap.dedent(source)) as process:
        assert next_line(process) == "ready"
        yield process


def interrupt(source: str) -> tuple[list[str], str, int]:
    """Run a program, interrupt it once when it is ready; return the lines it said, its errors and its exit status."""
    with program(source) as process:
        process.send_signal(signal.SIGINT)
        status, output, errors = ended(process)
        return output.splitlines(), errors, status


def test_the_first_interrupt_cancels_main_and_surfaces_as_keyboard_interrupt() -> None:
    output, errors, status = interrupt("""
        async def main():
            try:
                say("ready")
                await sleep(float("inf"))
            except Cancelled:
                say("main was cancelled")
                await sleep(0.01)
                say("main has cleaned up")
                raise

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
        say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """)
    assert output == ["main was cancelled", "main has cleaned up", "interrupted", "True"], errors
    assert status == 0


def test_all_other_tasks_are_ended_in_good_order_too() -> None:
    output, errors, status = interrupt("""
        async def child(name):
            try:
                await sleep(1000)
            finally:
                await sleep(0.01)
                say(name)

        async def main():
            await spawn(child("daemon"), daemon=True)
            await spawn(child("ordinary"))
            await checkpoint()
            say("ready")
            await sleep(1000)

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
    """)
    assert output == ["ordinary", "daemon", "interrupted"], errors


def test_a_program_that_does_not_catch_it_dies_of_it() -> None:
    output, errors, status = interrupt("""
        async def main():
            say("ready")
            await sleep(1000)

        run(main())
    """)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert status in (130, -signal.SIGINT)


def test_main_in_generator_style_is_cancelled_as_well() -> None:
    output, errors, status = interrupt("""
        def main():
            try:
                say("ready")
                yield sleep(1000)
            except Cancelled:
                say("cancelled")
                raise

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
    """)
    assert output == ["cancelled", "interrupted"], errors


def test_a_main_that_waits_for_a_descriptor_alone_is_woken() -> None:
    output, errors, status = interrupt("""
        import socket
        left, right = socket.socketpair()

        async def main():
            say("ready")
            await wait_readable(left)

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
    """)
    assert output == ["interrupted"], errors


def test_a_main_that_waits_for_a_busy_kernel_is_cancelled() -> None:
    output, errors, status = interrupt("""
        async def busy():
            while True:
                await checkpoint()

        async def main():
            task = await spawn(busy())
            say("ready")
            await task

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
    """)
    assert output == ["interrupted"], errors


def test_a_main_that_swallows_the_cancellation_goes_on() -> None:
    output, errors, status = interrupt("""
        async def main():
            try:
                say("ready")
                await sleep(1000)
            except Cancelled:
                pass
            await sleep(0.01)
            return "value"

        say(run(main()))
    """)
    assert output == ["value"] and status == 0, errors


def test_the_second_interrupt_breaks_a_task_that_never_yields() -> None:
    source = """
        async def endless():
            try:
                say("ready")
                while True:
                    pass
            except KeyboardInterrupt:
                say("broken")
                raise

        async def neighbour():
            try:
                await sleep(1000)
            finally:
                await sleep(0.01)
                say("neighbour has cleaned up")

        async def main():
            await spawn(neighbour())
            await checkpoint()
            await spawn(endless())
            await sleep(1000)

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
    """
    with program(source) as process:
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.3)  # the first one asks politely, and is not heard
        process.send_signal(signal.SIGINT)
        _, output, errors = ended(process)
    assert output.splitlines() == ["broken", "neighbour has cleaned up", "interrupted"], errors


def test_an_interrupt_breaks_a_task_that_never_yields_at_shutdown() -> None:
    output, errors, status = interrupt("""
        async def endless():
            try:
                await sleep(1000)
            finally:
                say("ready")
                while True:
                    pass

        async def main():
            await spawn(endless())
            await checkpoint()

        try:
            run(main())
        except KeyboardInterrupt:
            say("interrupted")
    """)
    assert output == ["interrupted"], errors


def test_a_handler_of_the_program_is_left_to_do_its_work() -> None:
    output, errors, status = interrupt("""
        async def main():
            kernel = (await current_task()).kernel
            mailbox = Waitable()
            def on_signal(number, frame):
                kernel.call_from_thread(mailbox.complete, "handled")
            signal.signal(signal.SIGINT, on_signal)
            with kernel.expect_calls():
                say("ready")
                say(await mailbox)

        run(main())
    """)
    assert output == ["handled"] and status == 0, errors


def test_a_kernel_whose_program_handles_ctrl_c_is_still_woken_by_every_signal() -> None:
    """A handler runs between bytecodes; one that calls in when the poll is just beginning must not be slept through."""
    output, errors, status = interrupt("""
        async def main():
            say("ready")
            await sleep(0.5)
            wakeup_fd = signal.set_wakeup_fd(-1)
            say("woken by a descriptor" if wakeup_fd != -1 else "no descriptor")

        signal.signal(signal.SIGINT, lambda number, frame: None)
        run(main())
    """)
    assert output == ["woken by a descriptor"], errors


def test_a_kernel_in_another_thread_leaves_ctrl_c_alone() -> None:
    output, errors, status = interrupt("""
        started, done = threading.Event(), threading.Event()

        async def main():
            started.set()
            await run_in_thread(done.wait, 20)
            return "value"

        thread = threading.Thread(target=lambda: say(run(main())))
        thread.start()
        started.wait()
        try:
            say("ready")
            signal.pause()
        except KeyboardInterrupt:
            say("interrupted")
            done.set()
            thread.join()
    """)
    assert output == ["interrupted", "value"], errors


def test_an_interrupt_that_comes_after_a_run_is_an_ordinary_one() -> None:
    async def main() -> None:
        pass

    kernel.run(main())
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(LIMIT)
