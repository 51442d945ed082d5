"""asyncssh: its client and its server on one loop, real commands behind it, and a server that is killed."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, free_port, served_program

pytest.importorskip("asyncssh")
import asyncssh  # noqa: E402


SESSIONS = 20
Test = TypeVar("Test", bound=Callable[..., None])


def library(exercised: str) -> pytest.MarkDecorator:
    return pytest.mark.library("asyncssh", exercised)


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    return {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "user", "stranger")}


class Access(asyncssh.SSHServer):
    """Lets users with the key in, and forward ports."""

    def connection_requested(self, *destination: object) -> bool:
        return True

    def server_requested(self, host: str, port: int) -> bool:
        return True


async def talk(process: Any) -> None:
    """The interactive process."""
    process.stdout.write(b"name? ")
    async for line in process.stdin:
        process.stdout.write(b"hello %s, name? " % line.strip())
    process.stderr.write(b"bye\n")
    process.exit(0)


async def copy(source: Any, target: Any) -> None:
    """Pass on what comes, in either direction between a child's pipe and a channel."""
    while data := await source.read(65536):
        target.write(data)
        await target.drain()


async def feed(source: Any, target: Any) -> None:
    await copy(source, target)
    target.close()


async def shell(process: Any) -> None:
    """Run the command of the session; without one, talk."""
    if process.command is None:
        return await talk(process)
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec("sh", "-c", process.command, stdin=pipe, stdout=pipe, stderr=pipe)
    feeding = asyncio.create_task(feed(process.stdin, child.stdin))
    gone = asyncio.create_task(process.wait_closed())
    ran = asyncio.gather(copy(child.stdout, process.stdout), copy(child.stderr, process.stderr), child.wait())
    await asyncio.wait((ran, gone), return_when=asyncio.FIRST_COMPLETED)
    if not ran.done():
        child.kill()
    feeding.cancel()
    _, _, status = await ran
    process.exit(status)
    await asyncio.gather(feeding, gone, return_exceptions=True)


@asynccontextmanager
async def listening(keys: dict[str, Any], **options: Any) -> AsyncIterator[int]:
    """The port of a server."""
    authorized = asyncssh.import_authorized_keys(keys["user"].export_public_key().decode())
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=Access, server_host_keys=[keys["host"]],
                                   authorized_client_keys=authorized, process_factory=shell, encoding=None, **options)
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


def client_of(port: int, keys: dict[str, Any], **options: Any) -> Any:
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{port} {keys['host'].export_public_key().decode()}")
    return asyncssh.connect("127.0.0.1", port, **{"known_hosts": known, "username": "user", "config": None,
                                                  "client_keys": [keys["user"]], "agent_path": None, **options})


@library("commands: output, input, statuses, a timeout")
def test_commands_get_input_and_give_output_and_a_status(keys: dict[str, Any]) -> None:
    noise = random.Random(6).randbytes(1_000_000)

    async def main() -> tuple[Any, ...]:
        async with listening(keys) as port, client_of(port, keys) as client:
            both = await client.run("echo out; echo err >&2; exit 3")
            counted = await client.run("sha256sum", input=noise, encoding=None)
            copied = await client.run("cat", input=noise, encoding=None)
            assert copied.stdout == noise
            with pytest.raises(asyncssh.ProcessError) as failed:
                await client.run("exit 7", check=True)
            with pytest.raises(asyncssh.TimeoutError):
                await client.run("exec sleep 60", timeout=0.1)
            return both.stdout, both.stderr, both.exit_status, counted.stdout.split()[0], failed.value.exit_status

    assert run_cleanly(main()) == ("out\n", "err\n", 3, hashlib.sha256(noise).hexdigest().encode(), 7)


@library("an interactive process; 20 sessions at a time")
def test_a_dialogue_with_an_interactive_process(keys: dict[str, Any]) -> None:
    async def main() -> tuple[str, str, int]:
        async with listening(keys) as port, client_of(port, keys) as client:
            process = await client.create_process()
            said = ""
            for name in "alice", "bob":
                said += await process.stdout.readuntil("? ")
                process.stdin.write(name + "\n")
            process.stdin.write_eof()
            rest = await process.wait()
            return said + rest.stdout, rest.stderr, rest.exit_status

    assert run_cleanly(main()) == ("name? hello alice, name? hello bob, name? ", "bye\n", 0)


@library("an interactive process; 20 sessions at a time")
def test_twenty_sessions_at_a_time_on_one_connection_and_on_many(keys: dict[str, Any]) -> None:
    async def main() -> list[str]:
        async with listening(keys, backlog=SESSIONS) as port, client_of(port, keys) as shared:
            async def alone(number: int) -> str:
                async with client_of(port, keys) as client:
                    return (await client.run(f"echo alone {number}")).stdout

            async def together(number: int) -> str:
                return (await shared.run(f"echo together {number}")).stdout

            calls = [kind(number) for kind in (alone, together) for number in range(SESSIONS)]
            return await asyncio.gather(*calls)

    assert run_cleanly(main()) == [f"{kind} {number}\n" for kind in ("alone", "together") for number in range(SESSIONS)]


@library("SFTP: upload and download by hash")
def test_files_go_there_and_come_back(keys: dict[str, Any], tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(8_000_000)
    source, remote, back = (tmp_path / name for name in ("source", "remote", "back"))
    remote.mkdir()
    source.write_bytes(noise)

    async def main() -> tuple[Any, ...]:
        async with (listening(keys, sftp_factory=True) as port, client_of(port, keys) as client,
                    client.start_sftp_client() as sftp):
            await sftp.put(source, remote / "copy")
            size = await sftp.getsize(remote / "copy")
            await asyncio.gather(*(sftp.get(remote / "copy", f"{back}{number}") for number in range(3)))
            async with sftp.open(remote / "lines", "w") as file:
                await file.write("first\nsecond\n")
            async with sftp.open(remote / "lines") as file:
                await file.seek(6)
                second = await file.read()
            await sftp.rename(remote / "lines", remote / "renamed")
            names = sorted(name for name in await sftp.listdir(remote) if not name.startswith("."))
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await sftp.stat(remote / "lines")
            return size, second, names

    assert run_cleanly(main()) == (len(noise), "second\n", ["copy", "renamed"])
    expected = hashlib.sha256(noise).hexdigest()
    for copy in remote / "copy", *(Path(f"{back}{number}") for number in range(3)):
        assert hashlib.sha256(copy.read_bytes()).hexdigest() == expected


@library("ports forwarded both ways")
def test_ports_are_forwarded_to_and_from_the_server(keys: dict[str, Any]) -> None:
    noise = random.Random(8).randbytes(300_000)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        writer.close()

    async def through(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def send() -> None:
            writer.write(noise)
            await writer.drain()
            writer.write_eof()

        back, _ = await asyncio.gather(reader.read(-1), send())
        writer.close()
        await writer.wait_closed()
        return back

    async def main() -> list[bool]:
        target = await asyncio.start_server(echo, "127.0.0.1", 0)
        port_of_target = target.sockets[0].getsockname()[1]
        async with listening(keys) as port, client_of(port, keys) as client:
            near = await client.forward_local_port("127.0.0.1", 0, "127.0.0.1", port_of_target)
            far = await client.forward_remote_port("127.0.0.1", 0, "127.0.0.1", port_of_target)
            ports = [listener.get_port() for listener in (near, far) for _ in range(5)]
            results = await asyncio.gather(*map(through, ports))
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.open_connection("127.0.0.1", free_port())
            for listener in near, far:
                listener.close()
                await listener.wait_closed()
            with pytest.raises(OSError):
                await through(ports[0])
        target.close()
        await target.wait_closed()
        return [result == noise for result in results]

    assert run_cleanly(main()) == [True] * 10


@library("keys of users and hosts")
def test_strangers_are_refused_users_and_hosts_alike(keys: dict[str, Any]) -> None:
    async def main() -> str:
        async with listening(keys) as port:
            with pytest.raises(asyncssh.PermissionDenied):
                await client_of(port, keys, client_keys=[keys["stranger"]])
            other = asyncssh.import_known_hosts(
                f"[127.0.0.1]:{port} {keys['stranger'].export_public_key().decode()}")
            with pytest.raises(asyncssh.HostKeyNotVerifiable):
                await client_of(port, keys, known_hosts=other)
            async with client_of(port, keys) as client:
                return (await client.run("echo in")).stdout

    assert run_cleanly(main()) == "in\n"


SERVER = """
import asyncio, sys
import asyncssh

async def answer(process):
    process.stdout.write(type(asyncio.get_running_loop()).__module__)
    if process.command == "hang":
        await asyncio.sleep(60)
    process.exit(0)

async def main():
    await asyncssh.listen("127.0.0.1", int(sys.argv[1]), server_host_keys=[sys.argv[2]],
                          authorized_client_keys=sys.argv[3], process_factory=answer)
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


@pytest.fixture
def server(keys: dict[str, Any], tmp_path: Path) -> Iterator[Server]:
    keys["host"].write_private_key(tmp_path / "host")
    keys["user"].write_public_key(tmp_path / "authorized")
    with served_program(SERVER, tmp_path, tmp_path / "host", tmp_path / "authorized") as process:
        yield process


@library("a server that is killed, and one that is stopped in its tracks")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_server_ends_what_waits_for_it(keys: dict[str, Any], server: Server, number: signal.Signals) -> None:
    async def main() -> tuple[str, str]:
        async with client_of(server.port, keys, keepalive_interval=0.1, keepalive_count_max=3) as client:
            process = await client.create_process("hang")
            first = await process.stdout.readexactly(len("compat.events"))
            assert server.process is not None
            if number == signal.SIGKILL:
                await asyncio.to_thread(server.kill)
            else:
                server.process.send_signal(number)
            result = await process.wait()
            assert result.exit_status is None
            with pytest.raises((asyncssh.ConnectionLost, asyncssh.ChannelOpenError)):
                await client.run("anything")
            await client.wait_closed()
        if number == signal.SIGKILL:
            with pytest.raises(ConnectionRefusedError):
                await client_of(server.port, keys)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        async with client_of(server.port, keys) as again:
            return first, (await again.run("anything")).stdout

    assert run_cleanly(main()) == ("compat.events", "compat.events")
