"""PostgreSQL and Redis of the tests' own: started in temporary directories, killed with all their processes, restarted.

Each test file that asks for one of the fixtures in conftest.py has servers to itself.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.ecosystem.clean_run import until
from tests.ecosystem.servers import PATIENCE, Server, free_port, program, served
from tests.support.paths import CERTIFICATES
from tests.support.process_list import processes

USER, PASSWORD, DATABASE = "tester", "a pass/word", "postgres"
WRITERS = 10  # tasks that write while a server is killed


async def sleeping(observer: Any, count: int) -> bool:
    """Whether so many queries sleep in the server now; `observer` is a connection of asyncpg's."""
    return await observer.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                                   "query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()") == count


class Postgres(Server):
    """A PostgreSQL server; its superuser is `USER`, who has to give `PASSWORD`."""

    def __init__(self, binaries: Path, data: Path, port: int, log: Path, user: str | None) -> None:
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                    "max_connections": 60, "max_prepared_transactions": 4, "ssl": "on",
                    "ssl_cert_file": data / "server.pem", "ssl_key_file": data / "server.pem"}
        command: list[str | Path] = [binaries / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        super().__init__(command, port, log, user=user, cwd=data)
        self._ready = [str(binaries / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
        self.url = f"postgresql://{USER}:a%20pass%2Fword@127.0.0.1:{port}/{DATABASE}"  # for any library;
        self.arguments = {"host": "127.0.0.1", "port": port, "user": USER, "password": PASSWORD, "database": DATABASE,
                          "ssl": False}  # for asyncpg

    def start(self) -> None:
        """Start it and wait until it has recovered: it listens before, but turns everybody away."""
        super().start()
        limit = time.monotonic() + PATIENCE
        while subprocess.run(self._ready).returncode != 0:
            if time.monotonic() > limit:
                raise TimeoutError(f"PostgreSQL turns clients away; it said:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """As a machine that fails: each connection has a process, in a process group of its own, that goes as well."""
        if self.process is None:
            return
        postmaster = self.process.pid
        os.kill(postmaster, signal.SIGSTOP)  # it is not to see its children die, and tell the others
        pids = {entry.pid for entry in processes() if entry.parent == postmaster}
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        super().kill(number)
        # It cannot be started again before they have gone.
        while any(entry.pid in pids and entry.state != "Z" for entry in processes()):
            time.sleep(0.005)

    def shut_down(self) -> None:
        """Disconnect all clients and let it end in order: only so the system's shared memory is given back."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
            self.process = None


def unprivileged() -> str | None:
    """The user to run PostgreSQL as, which refuses to be run by root; None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


async def cancel_at_any_moment(work: Callable[[int], Coroutine[Any, Any, int]], rounds: int) -> None:
    """Cancel tasks while they wait for a connection of a pool, wait for the server, or give the connection back.

    In each round 40 tasks do the work, 25 of them are cancelled, and the others have to succeed; at last all have to.
    `work` returns its argument.
    """
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(rounds):
        tasks = [asyncio.create_task(work(number)) for number in range(40)]
        for task in chance.sample(tasks, 25):
            if chance.random() < 0.3:
                await asyncio.sleep(0.001)
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for number, result in enumerate(results):
            assert result == number or isinstance(result, asyncio.CancelledError), result
        assert sum(not isinstance(result, BaseException) for result in results) >= 15
    assert await asyncio.gather(*map(work, range(40))) == list(range(40))


@asynccontextmanager
async def killed_under_load(server: Server, write: Callable[[int], Awaitable[object]], *lost: type[Exception],
                            enough: int = 100) -> AsyncIterator[set[int]]:
    """Kill the server while ten tasks write numbers to it; run the block; start the server, and have them go on.

    Gives the numbers whose writing the server has confirmed, which has to be `enough` before the kill and again after
    the start. `lost` are the ways in which `write` may say that the server is gone, or is not back yet; whoever is told
    tries again with another number. Nobody may hang, and no error may be without words.
    """
    confirmed: set[int] = set()
    errors: list[Exception] = []
    numbers = itertools.count()
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            number = next(numbers)
            try:
                await write(number)
                confirmed.add(number)
            except lost as error:
                errors.append(error)
                await asyncio.sleep(0.02)

    workers = [asyncio.create_task(work()) for _ in range(WRITERS)]
    await until(lambda: len(confirmed) >= enough)
    await asyncio.to_thread(server.kill)
    yield confirmed
    before = len(confirmed)
    await until(lambda: len(errors) >= 2 * WRITERS)
    await asyncio.to_thread(server.start)
    await until(lambda: len(confirmed) >= before + enough)
    stop.set()
    await asyncio.gather(*workers)
    assert all(str(error) for error in errors), errors


def assert_kept(confirmed: set[int], stored: set[int]) -> None:
    """What a server has confirmed it has kept; of what else it has, each writer was told that it was lost."""
    assert confirmed <= stored
    assert len(stored - confirmed) <= WRITERS


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of a new, empty database."""
    elsewhere = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    binaries = Path(program("initdb", "postgresql", *elsewhere)).resolve().parent
    user = unprivileged()
    base = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own directories are closed to other users
    server = None
    try:
        (base / "password").write_text(PASSWORD)
        shutil.copy(CERTIFICATES / "server.pem", base)
        (base / "server.pem").chmod(0o600)
        if user is not None:
            for path in (base, *base.iterdir()):
                shutil.chown(path, user)
        data = base / "data"
        subprocess.run([binaries / "initdb", "--no-sync", "--auth=scram-sha-256", f"--username={USER}", "--locale=C",
                        "--encoding=UTF8", f"--pwfile={base / 'password'}", "-D", data],
                       user=user, cwd=base, check=True, stdout=subprocess.DEVNULL)
        (base / "server.pem").rename(data / "server.pem")
        server = Postgres(binaries, data, free_port(), base / "log", user)
        server.start()
        yield server
    finally:
        if server is not None:
            server.shut_down()
        shutil.rmtree(base)


@contextmanager
def running_redis(directory: Path) -> Iterator[Server]:
    """A Redis server that has on disk whatever it has confirmed."""
    port = free_port()
    command = [program("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1",
               "--dir", str(directory), "--save", "", "--appendonly", "yes", "--appendfsync", "no"]
    with served(command, port, directory / "log") as server:
        yield server
