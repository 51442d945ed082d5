"""Sub-processes: real ones, their output, their end, and that nothing is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from kernel import Cancelled, EndpointClosed, Process, TaskGroup, open_process, run, run_process, sleep, spawn, timeout
from tests.support.process_list import children_of_this_process, gone

Steps = Generator[Any, Any, Any]


pytestmark = pytest.mark.usefixtures("way", "no_thread_is_left")


def test_output_input_and_code() -> None:
    async def main() -> None:
        data = os.urandom(1_000_000)
        result = await run_process(["cat"], input=data)
        assert (result.returncode, result.stdout, result.stderr) == (0, data, b"")
        result = await run_process("echo out; echo err >&2; exit 3", shell=True)
        assert (result.returncode, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
        result = await run_process("echo out; echo err >&2", shell=True, stderr=subprocess.STDOUT)
        assert result.stdout == b"out\nerr\n" and result.stderr is None
        result = await run_process(["cat"])
        assert result.stdout == b""  # no input is no input, and not this process's
        result = await run_process(["true"], input=data)  # need not read it
        assert result.returncode == 0
        result = await run_process(["sh", "-c", "echo $WORD; pwd; kill -9 $$"], env={"WORD": "w"}, cwd="/", check=False)
        assert (result.returncode, result.stdout) == (-9, b"w\n/\n")
        with pytest.raises(subprocess.CalledProcessError) as caught:
            await run_process("echo out; exit 4", shell=True, check=True)
        assert (caught.value.returncode, caught.value.output) == (4, b"out\n")

    run(main())


def test_in_generator_tasks() -> None:
    def main() -> Steps:
        result = yield from run_process(["echo", "one"])
        other = yield run_process(["echo", "two"])
        process: Any = yield from open_process(["cat"])
        yield process.stdin.write_all(b"three\n")
        line = yield process.stdout.read_line()
        process.stdin.close()
        assert (yield process.wait()) == 0 == (yield from process.wait())
        yield process.close()
        return result.stdout + other.stdout + line

    assert run(main()) == b"one\ntwo\nthree\n"


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")

    async def main() -> None:
        for command, error in [("no-such-program", FileNotFoundError), (str(tmp_path / "data"), PermissionError)]:
            with pytest.raises(error):
                await open_process([command])
            with pytest.raises(error):
                await run_process([command])
        with pytest.raises(FileNotFoundError):
            await run_process(["true"], cwd="/no/such/directory")

    run(main())


def test_a_timeout_kills_the_whole_group_and_keeps_what_was_written() -> None:
    script = "echo before; (trap '' TERM; sleep 1000) & echo $!; exec sleep 1000"

    async def main() -> None:
        for command in script, "echo before; (sleep 1000) & echo $!":  # the second one exits, and its child goes on
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                await run_process(command, shell=True, timeout=0.3)
            assert caught.value.output is not None
            before, grandchild = caught.value.output.split()
            assert before == b"before" and caught.value.timeout == 0.3
            await gone(int(grandchild))

    run(main())


def test_a_cancelled_run_kills_and_reaps() -> None:
    async def main() -> None:
        task = await spawn(run_process(["sleep", "1000"]).__await__())
        while not children_of_this_process():
            await sleep(0.01)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert children_of_this_process() == []
        with pytest.raises(TimeoutError):
            async with timeout(0.1):
                await run_process(["sleep", "1000"])
        assert children_of_this_process() == []

    run(main())


def test_talking_to_a_process() -> None:
    async def main() -> None:
        async with await open_process(["cat"], stderr=subprocess.PIPE) as process:
            assert process.stdin and process.stdout and process.stderr
            for number in range(10):
                await process.stdin.write_all(b"%d\n" % number)
                assert await process.stdout.read_line() == b"%d\n" % number
            assert process.returncode is None and "running" in repr(process)
            with pytest.raises(OSError, match=f"the stdin of process {process.pid} 'cat'"):
                await process.stdin.end_writing()
            process.stdin.close()
            assert await process.wait() == 0 == process.returncode
            assert await process.stdout.read() == b"" == await process.stderr.read()
            process.kill()  # nobody, any more
        with pytest.raises(EndpointClosed):
            await process.stdout.read()

    run(main())


def test_signals() -> None:
    async def main() -> None:
        for send, number in [(Process.terminate, signal.SIGTERM), (Process.kill, signal.SIGKILL)]:
            async with await open_process(["sleep", "1000"]) as process:
                waiters = [await spawn(process.wait().__await__()) for _ in range(3)]
                send(process)
                assert [await waiter for waiter in waiters] == [-number] * 3
        async with await open_process(["sleep", "1000"]) as process:
            pass
        assert process.returncode == -signal.SIGKILL and "exited with -9" in repr(process)

    run(main())


def test_a_child_that_nobody_waits_for_is_reaped_when_it_exits() -> None:
    async def main() -> None:
        await open_process(["true"], stdin=None, stdout=None)
        async with timeout(10):
            while children_of_this_process():
                await sleep(0.01)

    run(main())


def test_a_child_left_behind_ends_with_the_kernel() -> None:
    async def main() -> int:
        process = await open_process("sleep 1000 & exec sleep 1000", shell=True)
        pid: int = process.pid
        return pid

    pid = run(main())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_in_a_program_that_ignores_sigchld() -> None:
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        async def main() -> None:
            result = await run_process(["echo", "hello"])
            assert result.stdout == b"hello\n"  # the code is lost: the system has reaped the child
            async with await open_process(["sleep", "1000"]) as process:
                pass
            assert process.returncode is not None

        run(main())
    finally:
        signal.signal(signal.SIGCHLD, previous)


def test_a_thousand_processes_in_batches() -> None:
    script = ("import sys; sys.stdout.write(sys.argv[1] * 30000); sys.stderr.write(sys.argv[1]); "
              "sys.exit(int(sys.argv[1]) % 7)")
    shell = 'i=0; while [ $i -lt 200 ]; do echo "$1 $i"; i=$((i+1)); done; echo "$1" >&2; exit $(($1 % 7))'
    results: dict[int, subprocess.CompletedProcess[bytes]] = {}

    async def one(number: int) -> None:
        if number % 100:
            results[number] = await run_process(["sh", "-c", shell, "sh", str(number)])
        else:
            results[number] = await run_process([sys.executable, "-S", "-E", "-c", script, str(number)])

    async def main() -> None:
        for batch in range(20):
            async with TaskGroup() as group:
                for number in range(50 * batch, 50 * batch + 50):
                    await group.spawn(one(number))
            assert children_of_this_process() == []

    run(main())
    assert len(results) == 1000
    for number, result in results.items():
        lines = b"".join(b"%d %d\n" % (number, i) for i in range(200)) if number % 100 else b"%d" % number * 30000
        assert result.stdout == lines and result.stderr.strip() == b"%d" % number and result.returncode == number % 7
