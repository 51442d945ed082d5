"""Cancellation at every suspension of what waits for processes: no child is left."""

from __future__ import annotations

import subprocess

from kernel import open_process, run_process, spawn
from tests.support.injection import Injection, ended, leaves_nothing
from tests.support.process_list import children_of_this_process


def test_processes() -> None:
    async def scenario(injection: Injection) -> None:
        async def work() -> None:
            result = await run_process(["cat"], input=b"x" * 200_000)
            assert result.stdout == b"x" * 200_000
            async with await open_process("sleep 100 & cat", shell=True) as process:
                assert process.stdin and process.stdout
                await process.stdin.write_all(b"a\n")
                assert await process.stdout.read_line() == b"a\n"
                process.stdin.close()
                await process.wait()
            try:
                await run_process("sleep 100 & sleep 100", shell=True, timeout=0.02)
            except subprocess.TimeoutExpired:
                pass

        task = await spawn(work())
        injection.watch(task)
        await ended(task)
        assert children_of_this_process() == []

    leaves_nothing(scenario, 8)
