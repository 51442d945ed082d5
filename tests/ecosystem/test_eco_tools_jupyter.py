"""Jupyter: an IPython kernel on this project's loop, in a process, and jupyter_client on another such loop."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.support.paths import ROOT

jupyter = pytest.importorskip("jupyter_client.manager")
KernelSpecManager = pytest.importorskip("jupyter_client.kernelspec").KernelSpecManager
pytest.importorskip("ipykernel")

pytestmark = [pytest.mark.library("ipykernel", "by python -m compat -m: cells, top-level await, interrupt"),
              pytest.mark.library("jupyter_client", "AsyncKernelManager and its client on this loop"),
              pytest.mark.timeout(120)]


@asynccontextmanager
async def started(directory: Path) -> AsyncIterator[tuple[Any, Any]]:
    """A running kernel's manager and client."""
    specification = directory / "kernels" / "compat"
    specification.mkdir(parents=True)
    (specification / "kernel.json").write_text(json.dumps({
        "argv": [sys.executable, "-m", "compat", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "on this loop", "language": "python", "env": {"PYTHONPATH": str(ROOT)}}))
    specifications = KernelSpecManager(kernel_dirs=[str(directory / "kernels")])
    manager = jupyter.AsyncKernelManager(kernel_name="compat", kernel_spec_manager=specifications,
                                         connection_file=str(directory / "connection.json"))
    await manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=40)
        yield manager, client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def execute(client: Any, code: str, when_busy: Any = None) -> tuple[str, Any]:
    """What a cell printed, and its value, or the name of its error."""
    printed, value = "", None

    async def take(message: Any) -> None:
        nonlocal printed, value
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            printed += content["text"]
            if when_busy is not None:
                await when_busy()
        elif kind == "execute_result":
            value = content["data"]["text/plain"]
        elif kind == "error":
            value = content["ename"]

    taking = list[Any]()

    def hook(message: Any) -> None:
        taking.append(asyncio.ensure_future(take(message)))

    await client.execute_interactive(code, output_hook=hook, timeout=30)
    await asyncio.gather(*taking)
    return printed, value


def test_cells(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path) as (manager, client):
            assert await execute(client, "print('hello'); 6 * 7") == ("hello\n", "42")
            assert await execute(client, "1 / 0") == ("", "ZeroDivisionError")

            loop = "import asyncio\nloop = asyncio.get_running_loop()\nf'{type(loop).__module__}'"
            assert await execute(client, loop) == ("", "'compat.events'")
            waiting = "x = await asyncio.gather(asyncio.sleep(0.01, 'a'), asyncio.to_thread(str.upper, 'b'))\nx"
            assert await execute(client, waiting) == ("", "['a', 'B']")
            child = ("process = await asyncio.create_subprocess_exec('echo', 'from a child', stdout=-1)\n"
                     "(await process.communicate())[0], process.returncode")
            assert await execute(client, child) == ("", r"(b'from a child\n', 0)")

            # A task goes on between the cells, and is seen by the next.
            assert await execute(client, "async def work():\n    await asyncio.sleep(0.05)\n    return 'done'\n"
                                         "task = asyncio.create_task(work())") == ("", None)
            assert await execute(client, "await task") == ("", "'done'")

            # Where Python computes, where it blocks, and where the loop waits. There it must have something to do now
            # and then, on asyncio's own loop too: the signal handler of ipykernel does not wake it.
            for code, error in {"while True: pass": "KeyboardInterrupt",
                                "import time; time.sleep(60)": "KeyboardInterrupt",
                                "while True: await asyncio.sleep(0.01)": "CancelledError"}.items():
                busy = f"print('busy', flush=True)\n{code}"
                assert await execute(client, busy, manager.interrupt_kernel) == ("busy\n", error)
            assert await execute(client, "await asyncio.sleep(0.01, 'alive')") == ("", "'alive'")

            completed = await client.complete("asyncio.get_running_l", reply=True, timeout=20)
            assert completed["content"]["matches"] == ["get_running_loop"]

            await manager.restart_kernel()
            await client.wait_for_ready(timeout=40)
            assert await execute(client, "'x' in globals()") == ("", "False")
            assert await manager.is_alive()
        assert not await manager.is_alive()

    run_cleanly(main(), limit=110, keeps=True)
