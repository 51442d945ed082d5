"""Tools of bad manners: they hold nothing up, neither the program nor another tool, and the program prints nothing."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from kernel import call_in_kernel, checkpoint, run, run_in_thread
from kernel.insight import offer
from kernel.serving.backlog import Backlog
from tests.support.interpreters import ended, next_line
from tests.support.offered import Place, everything_from

HELLO = b'{"ask": "hello"}\n'
PATIENCE = 0.1  # seconds


@pytest.fixture(autouse=True)
def offered(place: Place, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """This process offers itself, with little patience, and prints nothing."""
    offer(patience=PATIENCE)
    yield
    assert capfd.readouterr() == ("", "")


def is_served(place: Place) -> bool:
    return bool(place.answer(HELLO)["pid"] == os.getpid())


@pytest.mark.parametrize("request_line", [
    b"\n", b"rubbish\n", b"\x00\xff\xfe\n", b"[]\n", b'"ask"\n', b"null\n", b"[" * 60_000 + b"\n", b"1" * 60_000 + b"\n",
    b'{"ask": NaN}\n', "{'ask': 'hello'}\n".encode("utf-16")], ids=lambda line: repr(line[:20]))
def test_rubbish(place: Place, request_line: bytes) -> None:
    assert "error" in place.answer(request_line)
    assert is_served(place)


@pytest.mark.parametrize(("request_line", "said"), [
    (b"{}\n", "nothing is known here of None"),
    (b'{"ask": "everything"}\n', "nothing is known here of 'everything': the program and the tool are of different"),
    (b'{"ask": ["snapshot"]}\n', "nothing is known here of"),
    (b'{"ask": "snapshot", "data": "yes"}\n', "'data' has to be of type bool"),
    (b'{"ask": "strace", "kinds": "queue"}\n', "'kinds' has to be of type list"),
    (b'{"ask": "strace", "kinds": ["nonsense"]}\n', "unknown kinds"),
    (b'{"ask": "strace", "kinds": [{}]}\n', "unknown kinds"),
    (b'{"ask": "summary", "task": 7}\n', "'task' has to be of type str"),
])
def test_a_request_that_cannot_be_answered(place: Place, request_line: bytes, said: str) -> None:
    assert said in place.answer(request_line)["error"]
    assert is_served(place)


def test_half_a_request_and_silence(place: Place) -> None:
    with place.connected() as half, place.connected() as silent:
        half.sendall(HELLO[:5])
        assert is_served(place)
        assert everything_from(half) == everything_from(silent) == b""  # closed, when the patience was over


def test_half_a_request_and_then_the_rest(place: Place) -> None:
    with place.connected() as connection:
        for byte in HELLO:
            connection.sendall(bytes([byte]))
        assert everything_from(connection).startswith(b'{"pid"')


def test_a_request_in_drops_does_not_get_more_time(place: Place) -> None:
    with place.connected() as connection:
        connection.settimeout(PATIENCE / 10)
        with pytest.raises(OSError):
            while True:
                connection.sendall(b" ")
                try:
                    if not connection.recv(1):
                        raise ConnectionError
                except TimeoutError:
                    pass


def test_a_request_without_end(place: Place) -> None:
    with place.connected() as connection:
        connection.sendall(b" " * 65537)
        assert b"a request is one line of at most 65536 bytes" in everything_from(connection)
    assert is_served(place)


def test_a_tool_that_sends_and_goes(place: Place) -> None:
    for part in b"", HELLO[:5], HELLO, b'{"ask": "snapshot"}\n', b'{"ask": "strace"}\n', b'{"ask": "summary"}\n':
        for _ in range(20):
            with place.connected() as connection:
                # It is gone at once: what was sent to it is thrown away.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(part)
    assert is_served(place)


def test_a_tool_that_ends_its_side_still_gets_the_answer(place: Place) -> None:
    with place.connected() as connection:
        connection.sendall(HELLO)
        connection.shutdown(socket.SHUT_WR)
        assert everything_from(connection).startswith(b'{"pid"')


def test_more_than_a_line(place: Place) -> None:
    assert place.answer(HELLO + b"and more\n" * 100)["pid"] == os.getpid()


def test_more_tools_than_can_be_served(place: Place) -> None:
    connections = []
    for _ in range(16):
        connections.append(place.connected())
        connections[-1].sendall(b'{"ask": "strace"}\n')
        assert connections[-1].recv(3) == b"{}\n"
    assert "16 tools are connected to this process already" in place.answer(b"")["error"]
    connections.pop().close()
    for connection in connections:
        connection.close()
    while "error" in place.answer(HELLO):
        pass
    assert is_served(place)


def test_a_flood_of_connections(place: Place) -> None:
    threads = threading.active_count()
    flood = []
    for _ in range(200):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(place.socket_of(os.getpid())))
            flood.append(connection.dup())
    for connection in flood:
        everything_from(connection)  # thrown out at once, or when the patience was over
        connection.close()
    assert threading.active_count() == threads and is_served(place)


def test_the_program_goes_on_meanwhile(place: Place) -> None:
    """A tool reads nothing of what it has asked for, and another floods the process with requests."""

    async def main() -> int:
        def ask() -> int:
            with place.connected() as reads_nothing:
                reads_nothing.sendall(b'{"ask": "snapshot"}\n')
                for _ in range(50):
                    place.answer(b"rubbish\n")
                answers = [place.answer(b'{"ask": "snapshot"}\n') for _ in range(20)]
                call_in_kernel(int)
                return len(answers)

        return await run_in_thread(ask)

    assert run(main()) == 20


def test_a_trace_that_is_not_read_does_not_hold_the_program_up(place: Place) -> None:
    async def main() -> bytes:
        with place.connected() as connection:
            connection.sendall(b'{"ask": "strace"}\n')
            assert connection.recv(3) == b"{}\n"
            for _ in range(50_000):
                await checkpoint()
            connection.shutdown(socket.SHUT_WR)
            return await run_in_thread(everything_from, connection)

    lines = run(main()).decode().splitlines()
    assert 5000 < len(lines) < 50_000
    assert [line for line in lines if line.endswith(" lines left out: they were not read in time)")]
    assert len([line for line in lines if "checkpoint()" in line]) > len(lines) - 20


def test_a_tool_that_dies_leaves_the_program_as_it_was(place: Place) -> None:
    with place.started("-c", WATCHED) as process:
        assert process.stdin is not None
        for _ in range(3):
            with place.connected(process.pid) as connection:
                connection.sendall(b'{"ask": "strace"}\n')
                assert connection.recv(3) == b"{}\n"
                process.stdin.write("\n")
                process.stdin.flush()
                assert next_line(process) == "watched"
                assert connection.recv(1000)
            assert next_line(process) == "as before"
        assert ended(process) == (0, "", "")


WATCHED = """\
import sys
from kernel import current_task, run, run_in_thread, sleep
from kernel.insight import offer

async def main():
    kernel = (await current_task()).kernel
    before = kernel.ready, type(kernel.main.context), kernel.tap
    print("ready", flush=True)
    while await run_in_thread(sys.stdin.readline):
        watched = False
        for _ in range(10_000):
            await sleep(0.001)
            now = kernel.ready, type(kernel.main.context), kernel.tap
            if now[2] is not before[2] and not watched:
                watched = True
                print("watched", flush=True)
            elif watched and now == before:
                print("as before", flush=True)
                break

offer()
run(main())
"""


# The text of a trace that is not read


def test_what_is_not_read_in_time_is_left_out_and_counted() -> None:
    woken: list[None] = []
    backlog = Backlog(lambda: woken.append(None), most=30)
    for number in range(10):
        backlog.write(f"line {number:4}\n")
    assert backlog.take() == "line    0\nline    1\nline    2\n(7 lines left out: they were not read in time)\n"
    assert len(woken) == 1
    assert backlog.take() == ""
    backlog.write("and on\n")
    assert backlog.take() == "and on\n" and len(woken) == 2


def test_a_line_that_is_half_there_is_ended() -> None:
    backlog = Backlog(int, most=10)
    backlog.write("a part, ")
    backlog.write("the rest")
    assert backlog.take() == "a part, ...\n"
    backlog.write(" of it\n")
    backlog.write("more\n")
    assert backlog.take() == "(2 lines left out: they were not read in time)\n"
    backlog.write("again\n")
    assert backlog.take() == "again\n"
