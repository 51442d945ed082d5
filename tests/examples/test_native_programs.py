"""The programs of examples/kernel that stand on the native library, each run as a process from its start to its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, Process, ended, next_line, run_python, started_python
from tests.support.paths import ROOT
from tests.support.process_list import Entry, processes

PROGRAMS = ["api_client", "chat_server", "crawler", "jobs", "port_scanner", "tail_f", "udp_time"]
LOCALHOST = "127.0.0.1"


def run_program(program: str, *arguments: str, input: str = "") -> Outcome:
    return run_python(*command(program), *arguments, input=input)


def started(program: str, *arguments: str) -> AbstractContextManager[Process]:
    return started_python(*command(program), *arguments)


def command(program: str) -> list[str]:
    return ["-X", "dev", "-m", "kernel", f"examples/kernel/{program}.py"]


def stopped(process: Process) -> str:
    """Have the program end in order; what it still printed."""
    process.send_signal(signal.SIGTERM)
    status, out, err = ended(process)
    assert (status, err) == (0, "")
    return out


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(program: str) -> None:
    result = run_program(program, "--help")
    assert result.status == 0 and result.out.startswith("usage: ") and result.err == ""
    text = (ROOT / f"examples/kernel/{program}.py").read_text()
    assert f"python3 -m kernel examples/kernel/{program}.py" in text.split('"""')[1]


class Visitor:
    """Someone with a connection to the chat server."""

    def __init__(self, port: int, name: str) -> None:
        self.socket = socket.create_connection((LOCALHOST, port), timeout=20)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.expect("Your name?")
        self.say(name)

    def say(self, line: str) -> None:
        self.socket.sendall(f"{line}\n".encode())

    def expect(self, *lines: str) -> None:
        for line in lines:
            assert self.lines.readline() == line + "\n"

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_chat_server(number: int) -> None:
    with started("chat_server", "0") as process:
        port = int(next_line(process).rpartition(":")[2])
        ann = Visitor(port, "Ann")
        ann.expect("* Ann has come")
        bob = Visitor(port, "Bob")
        bob.expect("* Bob has come")
        ann.expect("* Bob has come")
        other = Visitor(port, "Bob")
        other.expect("That name is not free.")
        assert other.lines.readline() == ""
        bob.say("hello")
        for visitor in ann, bob:
            visitor.expect("Bob: hello")
        ann.say("/join attic")
        ann.expect("* Ann goes to attic", "* Ann has come")
        bob.expect("* Ann goes to attic")
        bob.say("nobody hears this")
        bob.expect("Bob: nobody hears this")
        ann.say("/who")
        ann.say("/rooms")
        ann.expect("* Ann", "* attic, lobby")
        bob.say("/quit")
        assert bob.lines.readline() == ""
        rude = Visitor(port, "Rude")
        rude.expect("* Rude has come")
        rude.say("x" * 5000)  # a line over the limit
        assert "within 1024 bytes" in next_line(process)
        process.send_signal(number)
        ann.expect("* the server is closing; goodbye")
        status, out, err = ended(process)
        assert (status, err) == (0, "")
        assert f"closing on signal {int(number)}" in out
        for visitor in ann, bob, other, rude:
            visitor.close()


def test_a_slow_reader_is_disconnected_and_holds_nobody_up() -> None:
    with started("chat_server", "0") as process:
        port = int(next_line(process).rpartition(":")[2])
        slow, talker = Visitor(port, "Slow"), Visitor(port, "Talker")
        talker.expect("* Talker has come")
        sent = 0
        while True:
            talker.say("x" * 1000)
            sent += 1
            line = talker.lines.readline()
            if line == "* Slow has left\n":
                break
            assert line == "Talker: " + "x" * 1000 + "\n" and sent < 100_000
        assert next_line(process) == "Slow reads too slowly and is disconnected"
        talker.say("still here")
        while (line := talker.lines.readline()) != "Talker: still here\n":
            assert line
        slow.close()
        talker.close()
        stopped(process)


def test_crawler_on_its_own_site() -> None:
    result = run_program("crawler", "--pages", "50")
    assert result.status == 0, result.err
    pages = re.findall(r"^ 200 +\d+ (/\d*)$", result.out, re.M)
    assert sorted(pages) == sorted(["/", *(f"/{number}" for number in range(50))])
    assert re.search(r"^broken: http://127.0.0.1:\d+/missing \(404\), linked from http://127.0.0.1:\d+/13$",
                     result.out, re.M)
    assert "elsewhere" not in result.out
    assert re.match(r"52 pages in .* s, 1 broken\n$", result.err)


def test_crawler_where_nobody_is() -> None:
    result = run_program("crawler", f"http://{LOCALHOST}:1/")
    assert result.status == 0
    assert f"broken: http://{LOCALHOST}:1/" in result.out and f"connecting to {LOCALHOST}:1" in result.out
    assert run_program("crawler", "ftp://x/").status == 2


JOBS = """\
# a comment
one:
    echo from one
two: one
    echo from two
    test -n "$FORBIDDEN"
three: two
    echo never
four:
    sleep 0.1; echo from four
"""


def test_jobs() -> None:
    result = run_program("jobs", "--keep-going", "-", input=JOBS)
    assert result.status == 1 and result.err == ""
    assert "[one] done" in result.out and "from one\n" in result.out and "from four\n" in result.out
    assert "[two] failed with code 1" in result.out and "never" not in result.out
    assert result.out.endswith("2 done, 1 failed, 1 not run\n")
    result = run_program("jobs", "--jobs", "1", "--timeout", "0.3", "-",
                         input="a:\n echo begun; sleep 100 & sleep 100\nb: a\n")
    assert "[a] killed after 0.3 s\nbegun\n" in result.out and result.out.endswith("0 done, 1 failed, 1 not run\n")


def test_jobs_run_at_the_same_time_and_in_order() -> None:
    meeting = "a:\n mkfifo {0}; cat {0}\nb:\n until test -p {0}; do sleep 0.01; done; echo met >{0}\nc: a b\n rm {0}\n"
    path = ROOT / f".meeting-{os.getpid()}"
    try:
        result = run_program("jobs", "--jobs", "2", "-", input=meeting.format(path))
        assert result.status == 0 and "met\n" in result.out and result.out.endswith("3 done, 0 failed, 0 not run\n")
        assert not path.exists()
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("text, message", [("a: b\nb: a\n", "in a circle: "), ("a: x\n", "needs 'x', which is no job"),
                                           (" echo\n", "line 1: a command before"), ("a:\na:\n", "job 'a' already")])
def test_jobs_that_make_no_sense(text: str, message: str) -> None:
    result = run_program("jobs", "-", input=text)
    assert result.status == 1 and message in result.err and "Traceback" not in result.err


def test_jobs_interrupted_leave_no_process() -> None:
    mark = f"31{os.getpid() % 100000:05d}"  # seconds to sleep, which nobody else will ask for
    with started("jobs", "-") as process:
        assert process.stdin is not None
        process.stdin.write(f"a:\n sleep {mark} & sleep {mark}\n")
        process.stdin.close()
        while not sleepers(mark):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) != 0
        deadline = time.monotonic() + 20
        while sleepers(mark) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sleepers(mark) == []


def sleepers(mark: str) -> list[Entry]:
    """The living processes that sleep so many seconds."""
    return [entry for entry in processes() if entry.command.endswith(f"sleep {mark}") and entry.state != "Z"
            and "sh -c" not in entry.command]


def test_port_scanner() -> None:
    with socket.create_server((LOCALHOST, 0)) as silent, socket.create_server((LOCALHOST, 0)) as greeting:
        def greet() -> None:
            connection, _ = greeting.accept()
            connection.sendall(b"hello, stranger\r\n")
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        ports = [sock.getsockname()[1] for sock in (silent, greeting)]
        with socket.socket() as unused:
            unused.bind((LOCALHOST, 0))
            closed = unused.getsockname()[1]
            result = run_program("port_scanner", "--ports", f"{ports[0]},{ports[1]},{closed}")
        thread.join()
    assert result.status == 0
    lines = dict(line.split(None, 1) for line in result.out.splitlines())
    assert lines.keys() == {str(port) for port in ports}
    assert "'hello, stranger'" in lines[str(ports[1])] and "'" not in lines[str(ports[0])]
    assert result.err.startswith(f"2 of 3 ports of {LOCALHOST} are open")
    assert run_program("port_scanner", "--host", "192.0.2.1").status == 2
    assert run_program("port_scanner", "--ports", "9-1").status == 2


def test_api_client_keeps_the_rate() -> None:
    result = run_program("api_client", "--demo", "40", "--rate", "40", "--burst", "4")
    assert result.status == 0, result.err
    assert result.out.splitlines() == [f"item {number}" for number in range(40)]
    numbers = re.match(r"(\d+) requests in ([\d.]+) s, (\d+) refused\n$", result.err)
    assert numbers is not None, result.err
    requests, seconds, refused = int(numbers[1]), float(numbers[2]), int(numbers[3])
    assert requests >= 40 + 2 + 1  # some failed, and were asked again
    assert refused == 0
    assert seconds >= (requests - 4) / 40 * 0.99  # not a limit on the machine's speed: the least that is allowed


def test_api_client_asks_again_when_it_was_too_fast() -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            status = 429 if len(asked) == 1 else 404 if self.path.endswith("none") else 200
            body = self.path.encode()
            self.send_response(status)
            self.send_header("Retry-After", "0.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer((LOCALHOST, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://{LOCALHOST}:{server.server_port}/get/{{}}"
        result = run_program("api_client", "--rate", "1000", "--connections", "1", url, "a b", "none")
        server.shutdown()
        thread.join()
    assert result.out == "/get/a%20b\nerror: 404\n" and asked == ["/get/a%20b", "/get/a%20b", "/get/none"]


def test_tail_f(tmp_path: Path) -> None:
    log, later = tmp_path / "log", tmp_path / "later"
    log.write_text("".join(f"line {number}\n" for number in range(20)))
    with started("tail_f", "--lines", "2", "--interval", "0.01", str(log), str(later)) as process:
        assert [next_line(process) for _ in range(2)] == ["line 18", "line 19"]
        with log.open("a") as file:
            file.write("appended\n")
        assert next_line(process) == "appended"
        log.rename(tmp_path / "log.1")
        log.write_text("after rotation\n")
        assert next_line(process) == "after rotation"
        later.write_text("from the beginning\n")
        assert next_line(process) == "from the beginning"
        log.write_text("cut\n")  # shorter than before
        assert next_line(process) == "cut"
        stopped(process)


def test_udp_time() -> None:
    with started("udp_time", "serve", "0") as process:
        port = next_line(process).rpartition(":")[2]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"nonsense", (LOCALHOST, int(port)))
        result = run_program("udp_time", "ask", LOCALHOST, port)
        assert result.status == 0, result.err
        found = re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; the server is ([+-][\d.]+) ms ahead", result.out)
        assert found is not None and abs(float(found[1])) < 1000  # it is the same clock
        stopped(process)
    result = run_program("udp_time", "ask", LOCALHOST, port, "--patience", "0.1")
    assert result.status == 1 and "no answer" in result.err and "Traceback" not in result.err
