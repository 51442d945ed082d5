"""Many of everything at once, on the facade: tasks, connections, child processes; and nothing lost or left behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import compat

pytestmark = pytest.mark.timeout(300)  # of work for the processor, which others may be using as well

TASKS = 10_000
CONNECTIONS, BATCH = 10_000, 250
PROCESSES, LINES = 200, 500


def descriptors() -> list[str]:
    """The open descriptors of this process, and what they are."""
    found = []
    for fd in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            found.append(f"{fd}: {os.readlink(f'/proc/self/fd/{fd}')}")
        except FileNotFoundError:
            pass  # the one of the listing itself
    return found


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Room for what is open at once, where the system's hard limit leaves it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_two_loops_in_two_threads() -> None:
    """Each runs ten thousand tasks, which hand each other a number, while the other one does."""
    results: dict[str, int] = {}
    start = threading.Barrier(2)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        start.wait(250)

        async def link(before: asyncio.Future[int] | asyncio.Task[int]) -> int:
            assert asyncio.get_running_loop() is loop
            await asyncio.sleep(0)
            return await before + 1

        first: asyncio.Future[int] = loop.create_future()
        last: asyncio.Future[int] | asyncio.Task[int] = first
        for _ in range(TASKS):
            last = asyncio.create_task(link(last))
        assert len(asyncio.all_tasks()) == TASKS + 1
        loop.call_later(0.01, first.set_result, 0)
        return await last

    def work(name: str) -> None:
        results[name] = compat.run(main())

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(250)
    assert results == {"one": TASKS, "two": TASKS}


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="the descriptors are counted in /proc")
@pytest.mark.usefixtures("many_descriptors")
def test_ten_thousand_connections() -> None:
    """Opened, echoed and closed, 250 at a time; after each batch, and after the loop, no descriptor is left."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while line := await reader.readline():
            writer.write(line)
        writer.close()
        await writer.wait_closed()
        served += 1

    async def client(port: int, number: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        message = b"connection %d\n" % number
        writer.write(message)
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return answer == message

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2 * BATCH)
        port = server.sockets[0].getsockname()[1]
        before = descriptors()
        for begin in range(0, CONNECTIONS, BATCH):
            answers = await asyncio.gather(*[client(port, number) for number in range(begin, begin + BATCH)])
            assert all(answers)
            while served < begin + BATCH:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert descriptors() == before
        server.close()
        await server.wait_closed()

    before = descriptors()
    compat.run(main())
    assert served == CONNECTIONS
    assert descriptors() == before


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="the descriptors are counted in /proc")
@pytest.mark.usefixtures("many_descriptors")
def test_two_hundred_processes_at_once() -> None:
    """All are there at the same time, since each waits for its input, and only then are their outputs captured."""
    program = (f'read word; i=0; while [ $i -lt {LINES} ]; do echo "$word $i"; i=$((i+1)); done; '
               "echo end >&2; exit $word")

    def expected(number: int) -> bytes:
        return b"".join(b"%d %d\n" % (number, i) for i in range(LINES))

    async def main() -> None:
        processes = await asyncio.gather(*[
            asyncio.create_subprocess_exec("/bin/sh", "-c", program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE) for _ in range(PROCESSES)])
        pids.update(process.pid for process in processes)
        assert [process.returncode for process in processes] == [None] * PROCESSES
        outputs = await asyncio.gather(*[process.communicate(b"%d\n" % number)
                                         for number, process in enumerate(processes)])
        for number, (out, err) in enumerate(outputs):
            assert hashlib.sha256(out).digest() == hashlib.sha256(expected(number)).digest(), number
            assert err == b"end\n"
        assert [process.returncode for process in processes] == list(range(PROCESSES))

    pids: set[int] = set()
    before = descriptors()
    compat.run(main())
    assert descriptors() == before
    assert len(pids) == PROCESSES
    for pid in pids:  # every one has been reaped; this process may have other children
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_the_descriptors_are_really_counted() -> None:
    read, write = os.pipe()
    try:
        if sys.platform == "linux":
            assert len([entry for entry in descriptors() if entry.split(":")[0] in (str(read), str(write))]) == 2
    finally:
        os.close(read)
        os.close(write)
