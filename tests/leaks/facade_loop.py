"""What asyncio programs ask of their event loop, of this project's and of asyncio's own.

Where the native library has an operation to be held against, the row is beside that: see `NativeRow.asyncio`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from . import native_host, native_network
from .programs import HOUR, cancel_task_in, nothing, raise_error
from .rows import facade

SOME = 300
FEW = 50


def give_one() -> int:
    return 1


@facade("call_soon")
async def calling() -> None:
    asyncio.get_running_loop().call_soon(give_one)
    await asyncio.sleep(0)


@facade("call_soon cancelled, and of what fails")
async def calling_failure() -> None:
    loop = asyncio.get_running_loop()
    loop.call_soon(give_one).cancel()
    loop.call_soon(raise_error)
    await asyncio.sleep(0)


@facade("call_later")
async def calling_later() -> None:
    asyncio.get_running_loop().call_later(0, give_one)
    await asyncio.sleep(1e-6)


@facade("call_later cancelled")
async def calling_later_cancelled() -> None:
    asyncio.get_running_loop().call_later(HOUR, give_one).cancel()


@asynccontextmanager
async def sockets() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield near, far


@facade("sock_recv, sock_sendall", within=sockets)
async def raw_sockets(ends: tuple[socket.socket, socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(loop.sock_recv(ends[0], 10))
    await asyncio.sleep(0)
    await loop.sock_sendall(ends[1], b"x")
    await task


@facade("sock_recv cancelled", within=sockets)
async def raw_socket_cancelled(ends: tuple[socket.socket, socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    await cancel_task_in(lambda: loop.sock_recv(ends[0], 10))


def within_executor(function: Callable[[], object]) -> Awaitable[object]:
    return asyncio.get_running_loop().run_in_executor(None, function)


@facade("run_in_executor", SOME)
async def executor() -> None:
    await within_executor(give_one)


@facade("run_in_executor fails", SOME)
async def executor_failing() -> None:
    with suppress(ValueError):
        await within_executor(raise_error)


@facade("run_coroutine_threadsafe", SOME)
async def threadsafe() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(nothing(), loop).result())


@facade("streams: reset under a reader", SOME, within=native_network.listening)
async def connection_reset(server: socket.socket) -> None:
    _, writer = await asyncio.open_connection(*server.getsockname())
    native_network.reset(server.accept()[0])
    writer.close()
    with suppress(ConnectionResetError):
        await writer.wait_closed()


@facade("streams: read cancelled", SOME, within=native_network.listening)
async def read_cancelled(server: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(*server.getsockname())
    await cancel_task_in(reader.read)
    writer.close()
    server.accept()[0].close()
    await writer.wait_closed()


@facade("getaddrinfo", SOME)
async def looking_up() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


@facade("getaddrinfo fails", SOME)
async def looking_up_in_vain() -> None:
    with suppress(socket.gaierror):
        await asyncio.get_running_loop().getaddrinfo("localhost", "no such service")


@facade("connect_read_pipe, connect_write_pipe", SOME)
async def pipes() -> None:
    loop = asyncio.get_running_loop()
    reading, writing = (open(end, mode, buffering=0) for end, mode in zip(os.pipe(), ("rb", "wb")))
    reader = asyncio.StreamReader()
    incoming, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), reading)
    outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, writing)
    outgoing.write(b"line\n")
    await reader.readline()
    outgoing.close()
    await reader.read()
    incoming.close()
    await asyncio.sleep(0)


@facade("sendfile", SOME, within=native_network.asyncio_echo_server)
async def sending_file(port: int) -> None:
    reader, writer = await asyncio.open_connection(native_network.LOCALHOST, port)
    with open(__file__, "rb") as file:
        await asyncio.get_running_loop().sendfile(writer.transport, file)
    await reader.readline()
    writer.close()
    await writer.wait_closed()


@facade("subprocess", FEW)
async def subprocess() -> None:
    process = await asyncio.create_subprocess_exec(*native_host.CAT, stdin=PIPE, stdout=PIPE)
    await process.communicate(b"x")


@facade("subprocess of a shell", FEW)
async def shell() -> None:
    process = await asyncio.create_subprocess_shell("exit 1", stdout=PIPE)
    await process.communicate()


@facade("subprocess, communicate cancelled", FEW)
async def communicating_cancelled() -> None:
    process = await asyncio.create_subprocess_exec(*native_host.CAT, stdin=PIPE, stdout=PIPE)
    await cancel_task_in(process.communicate)
    process.kill()
    await process.wait()


@facade("subprocess of no program", FEW)
async def missing_subprocess() -> None:
    with suppress(FileNotFoundError):
        await asyncio.create_subprocess_exec("/nowhere", stdin=PIPE, stdout=PIPE)


@facade("subprocess killed", FEW)
async def killed_subprocess() -> None:
    process = await asyncio.create_subprocess_exec(*native_host.CAT, stdin=PIPE, stdout=PIPE)
    process.kill()
    await process.wait()
