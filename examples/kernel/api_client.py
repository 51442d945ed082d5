"""A client of a web API that limits the rate of requests: it asks as fast as the API permits, and never faster.

    python3 -m kernel examples/kernel/api_client.py --rate 20 --burst 5 http://127.0.0.1:8000/items/{} 1 2 3 4 5
    python3 -m kernel examples/kernel/api_client.py --demo 100

Each argument takes the place of {} in the URL. The program prints the answers in the order of the arguments, one line
each. A token bucket keeps the rate. Several connections work at a time, and each serves many requests. After "429 Too
Many Requests" the program waits as long as the server asks for. After a failure (5xx, or a server that hangs up) it
waits 0.1 seconds, then 0.2, 0.4 and so on. --demo N starts an API of its own and asks it for N items.
"""

from __future__ import annotations

import argparse
import sys
from urllib.parse import quote, urlsplit

from kernel import (EndpointClosed, IncompleteRead, LimitOverrun, Lock, Queue, Stream, TaskGroup, now, open_connection,
                    serve, sleep, sleep_until, timeout)

TRIES = 5
PATIENCE = 10.0  # seconds for a request
LARGEST = 1_000_000  # bytes of an answer


class TokenBucket:
    """Lets `burst` requests through at once, and `rate` requests a second in the long run; first come, first served."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self._due = 0.0  # the time at which the bucket is full again
        self._lock = Lock()

    async def take(self) -> None:
        """Wait for a token."""
        async with self._lock:
            time = await now()
            self._due = max(self._due, time)
            if self._due - self._tolerance > time:
                await sleep_until(self._due - self._tolerance)
            self._due += self._interval

    def pause(self, until: float) -> None:
        """Let no request through before the time `until`: the server has asked for this."""
        self._due = max(self._due, until + self._tolerance)


class Retry(Exception):
    """The server refused to answer now; it may answer in `after` seconds."""

    def __init__(self, reason: str, after: float) -> None:
        super().__init__(reason)
        self.after = after


class Connection:
    """A connection for many requests; after a failure it is opened again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"{url!r} is no http or https URL")
        self._host = parts.hostname
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._stream: Stream | None = None

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Ask for `path`; return status, headers and body. After a failure the next request opens a new connection."""
        try:
            async with timeout(PATIENCE):
                if self._stream is None:
                    self._stream = await open_connection(self._host, self._port, ssl=self._tls or None)
                request = f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAccept: */*\r\n\r\n"
                await self._stream.write_all(request.encode("ascii"))
                return await self._answer(self._stream)
        except BaseException:
            self.close()
            raise

    async def _answer(self, stream: Stream) -> tuple[int, dict[str, str], bytes]:
        head = (await stream.read_until(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "-1"))
        if not 0 <= length <= LARGEST:
            raise ValueError(f"{stream.name} sent no length that is good for an answer")
        body = await stream.read_exactly(length)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(status_line.split()[1]), headers, body

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class Client:
    """Asks for items, over several connections, and keeps the rate."""

    def __init__(self, url: str, rate: float, burst: int, connections: int) -> None:
        self.url = url
        self.bucket = TokenBucket(rate, burst)
        self.connections = connections
        self.requests = 0

    async def fetch(self, items: list[str]) -> list[str]:
        """The answers, in the order of the items. In the place of an answer that did not come stands the reason."""
        answers = [""] * len(items)
        left: Queue[int] = Queue()
        for index in range(len(items)):
            left.put_nowait(index)
        left.close()

        async def work() -> None:
            connection = Connection(self.url)
            try:
                async for index in left:
                    answers[index] = await self.fetch_one(connection, items[index])
            finally:
                connection.close()

        async with TaskGroup() as group:
            for _ in range(self.connections):
                await group.spawn(work())
        return answers

    async def fetch_one(self, connection: Connection, item: str) -> str:
        parts = urlsplit(self.url.replace("{}", quote(item, safe="")))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        reason = ""
        for attempt in range(TRIES):
            await self.bucket.take()
            self.requests += 1
            try:
                return await self.ask(connection, path)
            except Retry as error:
                reason = str(error)
                self.bucket.pause(await now() + error.after)
            except (OSError, IncompleteRead, EndpointClosed) as error:
                reason = str(error)
                await sleep(0.1 * 2 ** attempt)
            except (ValueError, LimitOverrun) as error:
                return f"error: {error}"
        return f"error: given up after {TRIES} tries: {reason}"

    async def ask(self, connection: Connection, path: str) -> str:
        status, headers, body = await connection.get(path)
        if status == 429:
            raise Retry("429 Too Many Requests", float(headers.get("retry-after", "1")))
        if status >= 500:
            raise ConnectionError(f"the server failed: {status}")
        return body.decode(errors="replace") if status == 200 else f"error: {status}"


class DemoAPI:
    """A server that allows about `rate` requests a second. It fails at every 17th of these, hangs up at every 23rd."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.served = self.refused = 0
        self._allowed_at: list[float] = []

    async def handle(self, stream: Stream) -> None:
        while await stream.more():
            head = await stream.read_until(b"\r\n\r\n")
            path = head.split()[1].decode()
            time = await now()
            self._allowed_at = [each for each in self._allowed_at if each > time - 1.0]
            if len(self._allowed_at) >= self.rate * 1.2 + 1:
                self.refused += 1
                await self.respond(stream, "429 Too Many Requests", "", "Retry-After: 0.2\r\n")
                continue
            self._allowed_at.append(time)
            self.served += 1
            if self.served % 17 == 0:
                await self.respond(stream, "503 Service Unavailable", "")
            elif self.served % 23 == 0:
                return  # hangs up
            else:
                await self.respond(stream, "200 OK", f"item {path.rpartition('/')[2]}")

    async def respond(self, stream: Stream, status: str, body: str, headers: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        await stream.write_all((head + body).encode())


async def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch items of a web API within a rate.")
    parser.add_argument("url", nargs="?", help="with {} where the item goes")
    parser.add_argument("items", nargs="*")
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--burst", type=int, default=5, help="requests at once after a rest (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=4, help="(default: %(default)s)")
    parser.add_argument("--demo", type=int, metavar="N", help="ask an API of its own for N items")
    options = parser.parse_args()
    if options.demo is None:
        if options.url is None:
            parser.error("a URL, or --demo")
        client = Client(options.url, options.rate, options.burst, options.connections)
        print(*await client.fetch(options.items), sep="\n")
        return
    api = DemoAPI(options.rate)
    async with await serve(api.handle, "127.0.0.1", 0) as server:
        client = Client(f"http://127.0.0.1:{server.port}/items/{{}}", options.rate, options.burst, options.connections)
        start = await now()
        print(*await client.fetch([str(number) for number in range(options.demo)]), sep="\n")
        print(f"{client.requests} requests in {await now() - start:.2f} s, {api.refused} refused", file=sys.stderr)
