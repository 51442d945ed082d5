"""aiomonitor, attached to a program by `python -m compat`: tasks are listed and cancelled, by telnet and by HTTP."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.ecosystem.servers import free_port
from tests.support.paths import ROOT

pytest.importorskip("aiomonitor")


PROGRAM = """
import asyncio
import sys
import aiomonitor
import compat

async def work():
    await asyncio.sleep(3600)

async def main(port, web, console):
    loop = asyncio.get_running_loop()
    assert type(loop) is compat.EventLoop
    with aiomonitor.start_monitor(loop, port=port, webui_port=web, console_port=console, hook_task_factory=True):
        tasks = [asyncio.create_task(work(), name=f"worker-{letter}") for letter in "ab"]
        print("started")
        for task in tasks:
            await asyncio.wait([task])
            print(*(f"{task.get_name()}: {'cancelled' if task.cancelled() else 'pending'}" for task in tasks))
        await asyncio.to_thread(sys.stdin.read)  # that the monitor can still answer

asyncio.run(main(*map(int, sys.argv[1:])))
"""

# What a terminal answers: its kind is "xterm", its size 120 by 40.
TERMINAL = b"\xff\xfb\x18\xff\xfa\x18\x00xterm\xff\xf0\xff\xfb\x1f\xff\xfa\x1f\x00\x78\x00\x28\xff\xf0"


def read_until(connection: socket.socket, end: bytes) -> bytes:
    said = b""
    while end not in said:
        data = connection.recv(65536)
        assert data, said
        said += data
    return said


@pytest.mark.library("aiomonitor", "attached to a program: tasks listed and cancelled, by telnet and by HTTP")
def test_a_program_is_watched(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    port, web, console = free_port(), free_port(), free_port()
    command = [sys.executable, "-u", "-m", "compat", str(tmp_path / "program.py"), str(port), str(web), str(console)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}) as run:
        try:
            assert run.stdout is not None and run.stdout.readline() == b"started\n"
            with urlopen(Request(f"http://127.0.0.1:{web}/api/live-tasks", method="POST"), timeout=20) as response:
                tasks = {task["name"]: task for task in json.load(response)["tasks"]}
            assert {task["state"] for task in tasks.values()} == {"PENDING"}
            assert tasks["worker-a"]["coro"] == tasks["worker-b"]["coro"] == "work()"
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(TERMINAL)
                read_until(connection, b"monitor >>>")
                connection.sendall(b"ps\r\n")
                said = read_until(connection, b"worker-b").decode()
                assert "3 tasks running" in said and re.search(r"\d+ +PENDING +worker-a +work\(\)", said), said
                connection.sendall(f"where {tasks['worker-a']['task_id']}\r\n".encode())
                read_until(connection, b"asyncio.sleep(3600)")
                connection.sendall(f"cancel {tasks['worker-a']['task_id']}\r\n".encode())
                assert run.stdout.readline() == b"worker-a: cancelled worker-b: pending\n"
                connection.sendall(b"exit\r\n")
                while connection.recv(65536):
                    pass
            number = tasks["worker-b"]["task_id"]
            request = Request(f"http://127.0.0.1:{web}/api/task?task_id={number}", method="DELETE")
            with urlopen(request, timeout=20) as response:
                assert response.status == 200
            assert run.stdout.readline() == b"worker-a: cancelled worker-b: cancelled\n"
            assert run.stdin is not None
            run.stdin.close()
            assert run.wait(20) == 0
        finally:
            run.kill()
