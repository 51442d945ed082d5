"""tornado on this project's loop: HTTP and websocket servers and clients, timers, executors, its own coroutines."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly

pytest.importorskip("tornado")
import tornado.gen as gen  # noqa: E402
import tornado.httpclient as httpclient  # noqa: E402
import tornado.httpserver as httpserver  # noqa: E402
import tornado.ioloop as ioloop  # noqa: E402
import tornado.iostream as iostream  # noqa: E402
import tornado.queues as queues  # noqa: E402
import tornado.tcpclient as tcpclient  # noqa: E402
import tornado.tcpserver as tcpserver  # noqa: E402
import tornado.web as web  # noqa: E402
import tornado.websocket as websocket  # noqa: E402

from tests.support.interpreters import run_python
from tests.support.tls import client_context, server_context

PIECE = 256 * 1024
PIECES = 20  # five MiB in all


class Hash(web.RequestHandler):
    """Answers with the hash of the body it is sent."""

    def prepare(self) -> None:
        self.digest = hashlib.sha256()

    async def data_received(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        await asyncio.sleep(0)

    def post(self) -> None:
        self.write({"hash": self.digest.hexdigest(), "loop": type(asyncio.get_running_loop()).__module__})


class Stream(web.RequestHandler):
    async def get(self) -> None:
        for _ in range(PIECES):
            self.write(b"x" * PIECE)
            await self.flush()


class Legacy(web.RequestHandler):
    """Written as it was before `async def`."""

    @gen.coroutine
    def get(self) -> Any:
        values = yield [gen.sleep(0.001), gen.maybe_future(2)]
        answer = yield {"a": asyncio.sleep(0.001, "asyncio"), "b": gen.maybe_future(values[1])}
        self.write(answer)


class Stall(web.RequestHandler):
    """Answers when nobody listens any more."""

    def initialize(self) -> None:
        self.gone = asyncio.Event()

    async def get(self) -> None:
        await self.gone.wait()

    def on_connection_close(self) -> None:
        self.gone.set()


class Fail(web.RequestHandler):
    def get(self) -> None:
        raise web.HTTPError(418)


class Echo(websocket.WebSocketHandler):
    async def on_message(self, message: str | bytes) -> None:
        if message == "end":
            self.close(4001, "as you wish")
        else:
            await self.write_message(message, binary=isinstance(message, bytes))


@contextmanager
def serving(secure: bool = False) -> Iterator[str]:
    """The address of an application that is served in the running loop inside the block."""
    hash_handler = web.stream_request_body(Hash)
    application = web.Application([("/hash", hash_handler), ("/stream", Stream), ("/legacy", Legacy), ("/fail", Fail),
                                   ("/stall", Stall), ("/echo", Echo)])
    server = httpserver.HTTPServer(application, ssl_options=server_context() if secure else None)
    server.listen(0, "127.0.0.1")
    (listening,) = server._sockets.values()
    try:
        yield f"://localhost:{listening.getsockname()[1]}"
    finally:
        server.stop()


@pytest.mark.library("tornado", "HTTP server and AsyncHTTPClient: streams, TLS, time limits, its own coroutines")
@pytest.mark.parametrize("secure", [False, True])
def test_http(secure: bool) -> None:
    expected = hashlib.sha256(b"x" * PIECE * PIECES).hexdigest()

    async def body(write: Any) -> None:
        for _ in range(PIECES):
            await write(b"x" * PIECE)

    async def main() -> None:
        assert ioloop.IOLoop.current().asyncio_loop is asyncio.get_running_loop()
        client = httpclient.AsyncHTTPClient(force_instance=True, defaults={"ssl_options": client_context()})
        with serving(secure) as address:
            url = f"http{'s' if secure else ''}{address}"
            received = hashlib.sha256()
            sent, streamed, legacy = await asyncio.gather(
                client.fetch(f"{url}/hash", method="POST", body_producer=body),
                client.fetch(f"{url}/stream", streaming_callback=received.update), client.fetch(f"{url}/legacy"))
            assert sent.body.decode() == f'{{"hash": "{expected}", "loop": "compat.events"}}'
            assert streamed.code == 200 and received.hexdigest() == expected
            assert legacy.body == b'{"a": "asyncio", "b": 2}'
            answers = await asyncio.gather(*(client.fetch(f"{url}/legacy") for _ in range(60)))
            assert {answer.code for answer in answers} == {200}
            with pytest.raises(httpclient.HTTPClientError, match="HTTP 418"):
                await client.fetch(f"{url}/fail")
            with pytest.raises(httpclient.HTTPClientError, match="^Timeout during request"):
                await client.fetch(f"{url}/stall", request_timeout=0.1)
        client.close()

    run_cleanly(main(), keeps=True)


@pytest.mark.library("tornado", "websockets")
def test_websockets() -> None:
    large = os.urandom(1024 * 1024)

    async def talk(address: str, name: str) -> None:
        connection = await websocket.websocket_connect(f"ws{address}/echo")
        for number in range(30):
            await connection.write_message(f"{name} {number}")
        assert [await connection.read_message() for _ in range(30)] == [f"{name} {number}" for number in range(30)]
        await connection.write_message(large, binary=True)
        assert await connection.read_message() == large
        await connection.write_message("end")
        assert await connection.read_message() is None
        assert (connection.close_code, connection.close_reason) == (4001, "as you wish")

    async def main() -> None:
        with serving() as address:
            await asyncio.gather(*(talk(address, name) for name in "abc"))

    run_cleanly(main(), keeps=True)


@pytest.mark.library("tornado", "IOLoop: PeriodicCallback, timeouts, executors, queues, IOStream")
def test_the_io_loop() -> None:
    async def main() -> None:
        loop = ioloop.IOLoop.current()
        ticks = queues.Queue()
        count = iter(range(1000))
        periodic = ioloop.PeriodicCallback(lambda: ticks.put_nowait(next(count)), 5)
        periodic.start()
        assert [await ticks.get() for _ in range(5)] == list(range(5))
        periodic.stop()
        order = list[str]()
        last: asyncio.Future[None] = asyncio.Future()
        loop.call_later(0.02, lambda: last.set_result(None))
        loop.call_later(0.01, order.append, "later")
        loop.remove_timeout(loop.call_later(0.001, order.append, "removed"))
        loop.add_callback(order.append, "soon")
        with ThreadPoolExecutor(1) as executor:
            assert await loop.run_in_executor(executor, sum, [1, 2, 3]) == 6
            executor.submit(loop.add_callback, order.append, "from a thread").result()
        await last
        assert sorted(order) == ["from a thread", "later", "soon"]
        with pytest.raises(gen.TimeoutError):
            await gen.with_timeout(loop.time() + 0.01, asyncio.Future())

    run_cleanly(main(), keeps=True)


@pytest.mark.library("tornado", "IOLoop: PeriodicCallback, timeouts, executors, queues, IOStream")
def test_streams() -> None:
    class Lines(tcpserver.TCPServer):
        async def handle_stream(self, stream: Any, address: Any) -> None:
            try:
                while True:
                    line = await stream.read_until(b"\n", max_bytes=100)
                    await stream.write(line[::-1])
            except iostream.StreamClosedError:
                ended.set()

    async def main() -> None:
        server = Lines()
        server.listen(0, "127.0.0.1")
        (listening,) = server._sockets.values()
        stream = await tcpclient.TCPClient().connect("localhost", listening.getsockname()[1])
        await stream.write(b"abc\ndef\n")
        assert await stream.read_bytes(8) == b"\ncba\nfed"
        await stream.write(b"x" * 200)  # longer than the server takes
        with pytest.raises(iostream.StreamClosedError):
            await stream.read_until(b"\n")
        await ended.wait()
        server.stop()

    ended = asyncio.Event()
    run_cleanly(main(), keeps=True)


PROGRAM = """
import asyncio
from tornado.ioloop import IOLoop, PeriodicCallback

def tick():
    ticks.append(type(asyncio.get_running_loop()).__module__)
    if len(ticks) == 3:
        IOLoop.current().stop()

ticks = []
loop = IOLoop.current()
PeriodicCallback(tick, 1).start()
loop.start()
print(*ticks, loop.run_sync(lambda: asyncio.sleep(0.001, "done")))
"""


@pytest.mark.library("tornado", "a program with IOLoop.current().start(), by python -m compat")
def test_a_program_of_the_old_kind(tmp_path: Path) -> None:
    """It makes its loop by asking the policy for the current one."""
    (tmp_path / "program.py").write_text(PROGRAM)
    expected = (0, "compat.events compat.events compat.events done\n", "")
    assert run_python("-W", "ignore", "-m", "compat", tmp_path / "program.py") == expected
