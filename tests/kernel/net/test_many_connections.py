"""Ten thousand open connections in one process, and what is left of them."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys

import pytest

from kernel import Kernel, Stream, open_connection, serve, sleep
from tests.support.descriptors import open_descriptors

CONNECTIONS = 10_000
CLIENT = """\
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
port, number = map(int, sys.argv[1:])
socks = [socket.create_connection((f"127.0.0.{1 + i % 4}", port)) for i in range(number)]
print("connected", flush=True)
for round in range(2):
    for i, sock in enumerate(socks):
        sock.sendall(b"%d\\n" % i)
    for i, sock in enumerate(socks):
        answer = sock.recv(100)
        assert answer == b"you said %d\\n" % i, answer
print("answered", flush=True)
input()
"""


def memory() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


async def handler(stream: Stream) -> None:
    async for line in stream:
        await stream.write_all(b"you said " + line)


def hold_connections(kernel: Kernel, number: int) -> tuple[int, int, int]:
    """Serve `number` connections at once; return the descriptors meanwhile, and the memory before and after."""

    async def main() -> int:
        async with await serve(handler, "0.0.0.0", 0) as server:
            with subprocess.Popen([sys.executable, "-c", CLIENT, str(server.port), str(number)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as client:
                assert client.stdin is not None and client.stdout is not None
                output = Stream.of_pipe(client.stdout, "the output of the client")
                assert await output.read_line() == b"connected\n"
                assert await output.read_line() == b"answered\n"
                assert server.connections == number
                open_now = open_descriptors()
                client.stdin.close()
                while server.connections:
                    await sleep(0.01)
                output.close()
        return open_now

    before = memory()
    open_now = kernel.run(main())
    return open_now, before, memory()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.timeout(600)  # of work for the processor, which others may be using as well
def test_ten_thousand_connections_and_nothing_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CONNECTIONS + 100:
        pytest.skip(f"this process may open {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 100, hard))
    try:
        with Kernel() as kernel:
            hold_connections(kernel, 100)  # what is needed once
            before = open_descriptors()
            # The first round makes the allocator's arenas and the kernel's tables grow to their size; a leak would show
            # as growth in the rounds after it.
            hold_connections(kernel, CONNECTIONS)
            open_now, memory_before, memory_after = hold_connections(kernel, CONNECTIONS)
            assert open_now >= CONNECTIONS
            assert open_descriptors() == before
            assert memory_after - memory_before < 5_000_000, (memory_before, memory_after)
            assert not kernel.tasks and not kernel.poller.watching()
            gc.collect()
            assert not [thing for thing in gc.get_objects() if isinstance(thing, Stream)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clients_of_one_process_too() -> None:
    """The other end: connections that the kernel opens, and all their answers."""

    async def main() -> None:
        async with await serve(handler, "127.0.0.1", 0) as server:
            streams = [await open_connection("127.0.0.1", server.port) for _ in range(500)]
            for index, stream in enumerate(streams):
                await stream.write_all(b"%d\n" % index)
            for index, stream in enumerate(streams):
                assert await stream.read_line() == b"you said %d\n" % index
            for stream in streams:
                stream.close()

    before = open_descriptors()
    with Kernel() as kernel:
        kernel.run(main())
    assert open_descriptors() == before
