"""What is left of a child's process group when the child itself has exited."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Any

import pytest

from kernel import Process, open_process, run
from tests.support.interpreters import ended, next_line, started_python
from tests.support.process_list import alive, children_of_this_process, gone
from tests.support.reports import Reports

LEADER = "sleep 1000 & echo $!"  # exits at once; what it has started goes on

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="process groups are of POSIX"),
              pytest.mark.usefixtures("way")]


async def leader_has_exited(process: Process) -> int:
    """Wait for that; return the process which it has left behind."""
    assert process.stdout is not None
    left = int(await process.stdout.read_line())
    assert await process.wait() == 0
    assert alive(left)
    return left


def test_the_end_of_the_block_kills_what_the_child_has_left() -> None:
    async def main() -> None:
        async with await open_process(LEADER, shell=True) as process:
            left = await leader_has_exited(process)
        await gone(left)
        assert process.returncode == 0

    run(main())


@pytest.mark.parametrize("end", [Process.kill, Process.terminate])
def test_signals_reach_what_the_child_has_left(end: Any) -> None:
    async def main() -> None:
        process = await open_process(LEADER, shell=True)
        left = await leader_has_exited(process)
        end(process)
        await gone(left)
        await process.close()
        end(process)  # nobody, any more
        await process.close()

    run(main())


def test_the_kernel_kills_it_when_it_closes() -> None:
    kept: list[Process] = []

    async def main() -> int:
        kept.append(await open_process(LEADER, shell=True))
        return await leader_has_exited(kept[0])

    left = run(main())
    run(gone(left))


def test_a_child_that_the_program_has_let_go_of_is_reaped() -> None:
    async def main() -> None:
        process = await open_process(LEADER, shell=True)
        left = await leader_has_exited(process)
        process.close_pipes()
        assert children_of_this_process()  # its number is kept, for that is the group's as well
        del process
        assert not children_of_this_process() and alive(left)
        os.kill(left, signal.SIGKILL)
        await gone(left)

    run(main())


def test_one_that_may_not_be_killed_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a program that becomes another user."""
    killpg, reports, pids = os.killpg, Reports(), list[int]()

    def kill_all_but_one(pid: int, number: int) -> None:
        if pid == pids[1]:
            raise PermissionError("not yours")
        killpg(pid, number)

    async def main() -> None:
        for _ in range(3):
            pids.append((await open_process(["sleep", "1000"], stdin=None, stdout=None)).pid)

    monkeypatch.setattr(os, "killpg", kill_all_but_one)
    run(main(), exception_hook=reports)
    (message, error), = reports
    assert (message, str(error)) == (f"process {pids[1]} 'sleep' cannot be killed", "not yours")
    assert [alive(pid) for pid in pids] == [False, True, False]
    os.kill(pids[1], signal.SIGKILL)
    with suppress(ChildProcessError):  # the thread that waits for it may have had the last reference to it
        os.waitpid(pids[1], 0)


def test_ctrl_c_while_the_kernel_closes_leaves_no_child() -> None:
    """It ends the waiting for a thread; what has to be released after that still is."""
    with started_python("-c", PROGRAM) as program:
        child = int(next_line(program))
        assert next_line(program) == "closing"
        program.send_signal(signal.SIGINT)
        _, output, errors = ended(program)
        assert output == "interrupted\n", errors
        assert not alive(child)


PROGRAM = """
import os, threading
from kernel import *

def block():
    while threading.main_thread().is_alive() and not wait_seen():
        pass
    print("closing", flush=True)
    forever.wait()

def wait_seen():
    import sys
    frame = sys._current_frames().get(threading.main_thread().ident)
    while frame is not None:
        if frame.f_code.co_name == "close" and frame.f_code.co_filename.endswith("core.py"):
            return True
        frame = frame.f_back
    return False

forever = threading.Event()

async def main():
    process = await open_process(["sleep", "1000"])
    print(process.pid, flush=True)
    await spawn(run_in_thread(block).__await__())
    await sleep(0.1)

try:
    run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
os._exit(0)
"""
