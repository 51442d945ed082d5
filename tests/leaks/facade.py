"""What asyncio programs do, on this project's event loop and on asyncio's own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import compat
from compat.events import EventLoop

from . import native_host, native_network
from .native_tasks import HOUR, cancel_task_in, count_up_in_asyncio, fail, make, nothing, pipe, raise_error
from .rows import facade

SOME = 300
FEW = 50


async def until_done(future: asyncio.Future[Any]) -> None:
    """Until it has ended, without asking how."""
    while not future.done():
        await asyncio.sleep(0)


@facade("sleep")
async def sleeping() -> None:
    await asyncio.sleep(1e-6)


@facade("create_task")
async def creating() -> None:
    await asyncio.create_task(nothing())


@facade("create_task, fail")
async def failing() -> None:
    with suppress(ValueError):
        await asyncio.create_task(fail())


@facade("create_task, fail, await by name")
async def failing_by_name() -> None:
    task = asyncio.create_task(fail())
    try:
        await task
    except ValueError:
        pass


@facade("create_task, fail, result() by name")
async def failing_and_result() -> None:
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    try:
        task.result()
    except ValueError:
        pass


@facade("create_task, fail, nobody waits")
async def failing_alone() -> None:
    asyncio.create_task(fail())
    await asyncio.sleep(0)


@facade("cancel")
async def cancelling() -> None:
    await cancel_task_in(lambda: asyncio.sleep(HOUR))


@facade("cancel, await by name")
async def cancelling_by_name() -> None:
    task = asyncio.create_task(asyncio.sleep(HOUR))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


@facade("cancel before it starts")
async def cancelling_early() -> None:
    task = asyncio.create_task(nothing())
    task.cancel("enough")
    await until_done(task)


@asynccontextmanager
async def eager() -> AsyncIterator[None]:
    """Tasks make their first step at once."""
    loop = asyncio.get_running_loop()
    factory = compat.eager_task_factory if isinstance(loop, EventLoop) else asyncio.eager_task_factory
    loop.set_task_factory(factory)
    yield
    loop.set_task_factory(None)


if sys.version_info >= (3, 12):
    @facade("create_task, eager", within=eager)
    async def creating_eagerly(nothing_given: None) -> None:
        await asyncio.create_task(nothing())
        await asyncio.create_task(asyncio.sleep(0))


    @facade("create_task, eager, fail", within=eager)
    async def failing_eagerly(nothing_given: None) -> None:
        with suppress(ValueError):
            await asyncio.create_task(fail())


    @facade("create_task, eager, cancel", within=eager)
    async def cancelling_eager(nothing_given: None) -> None:
        await cancel_task_in(lambda: asyncio.sleep(HOUR))


@facade("add_done_callback, a callback fails")
async def failing_callback() -> None:
    task = asyncio.create_task(nothing())
    task.add_done_callback(lambda task: raise_error())
    await task
    await asyncio.sleep(0)


@facade("Future set_exception, await by name")
async def failing_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("on purpose"))
    try:
        await future
    except ValueError:
        pass


@facade("Future failed, nobody looks")
async def failed_future_alone() -> None:
    asyncio.get_running_loop().create_future().set_exception(ValueError("on purpose"))


@facade("Future cancelled")
async def cancelled_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    with suppress(asyncio.CancelledError):
        await future


@facade("gather")
async def gathering() -> None:
    await asyncio.gather(nothing(), nothing())


@facade("gather, one fails")
async def gathering_failure() -> None:
    with suppress(ValueError):
        await asyncio.gather(nothing(), fail())


@facade("gather, return_exceptions")
async def gathering_exceptions() -> None:
    await asyncio.gather(nothing(), fail(), return_exceptions=True)


@facade("gather cancelled")
async def gathering_cancelled() -> None:
    await cancel_task_in(lambda: asyncio.gather(asyncio.sleep(HOUR), asyncio.sleep(HOUR)))


@facade("wait")
async def waiting() -> None:
    await asyncio.wait([asyncio.create_task(nothing()), asyncio.create_task(asyncio.sleep(0))])


@facade("wait, FIRST_EXCEPTION")
async def waiting_for_failure() -> None:
    done, pending = await asyncio.wait([asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(HOUR))],
                                       return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
        await until_done(task)
    for task in done:
        task.exception()


@facade("wait cancelled")
async def waiting_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    await cancel_task_in(lambda: asyncio.wait([future]))


@facade("wait_for")
async def waiting_for() -> None:
    await asyncio.wait_for(nothing(), HOUR)


@facade("wait_for times out")
async def waiting_for_too_long() -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(HOUR), 1e-6)


@facade("wait_for cancelled")
async def waiting_for_cancelled() -> None:
    await cancel_task_in(lambda: asyncio.wait_for(asyncio.sleep(HOUR), HOUR))


@facade("timeout")
async def timeout() -> None:
    async with asyncio.timeout(HOUR):
        await asyncio.sleep(0)


@facade("timeout expired")
async def timeout_expired() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(HOUR)


@facade("TaskGroup")
async def grouping() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(nothing())
        group.create_task(nothing())


@facade("TaskGroup, a child fails")
async def grouping_failure() -> None:
    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(HOUR))


@facade("TaskGroup, its body fails")
async def grouping_failing_body() -> None:
    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(HOUR))
            await asyncio.sleep(0)
            raise ValueError("on purpose")


async def wait_in_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(HOUR))


@facade("TaskGroup cancelled from outside")
async def grouping_cancelled() -> None:
    await cancel_task_in(wait_in_group)


@facade("as_completed")
async def completing() -> None:
    for future in asyncio.as_completed([nothing(), nothing()]):
        await future


@facade("shield")
async def shielding() -> None:
    await asyncio.shield(nothing())


@facade("shield cancelled, then fails")
async def shielding_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    await cancel_task_in(lambda: asyncio.shield(future))
    future.set_exception(ValueError("on purpose"))
    await asyncio.sleep(0)


@facade("Event")
async def event() -> None:
    event = asyncio.Event()
    task = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    event.set()
    await task


@facade("Event.wait cancelled")
async def event_cancelled() -> None:
    await cancel_task_in(asyncio.Event().wait)


@facade("Lock")
async def lock() -> None:
    lock = asyncio.Lock()
    async with lock:
        task = asyncio.create_task(make(lock.acquire))
        await asyncio.sleep(0)
    await task


@facade("Lock.acquire cancelled")
async def lock_cancelled() -> None:
    lock = asyncio.Lock()
    async with lock:
        await cancel_task_in(lock.acquire)


@facade("Semaphore.acquire cancelled")
async def semaphore_cancelled() -> None:
    await cancel_task_in(asyncio.Semaphore(0).acquire)


@facade("Barrier")
async def barrier() -> None:
    barrier = asyncio.Barrier(2)
    task = asyncio.create_task(make(barrier.wait))
    await asyncio.sleep(0)
    await barrier.wait()
    await task


async def wait_at(condition: asyncio.Condition) -> None:
    async with condition:
        await condition.wait()


@facade("Condition.wait")
async def condition() -> None:
    condition = asyncio.Condition()
    task = asyncio.create_task(wait_at(condition))
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
    await task


@facade("Condition.wait cancelled")
async def condition_cancelled() -> None:
    condition = asyncio.Condition()
    await cancel_task_in(lambda: wait_at(condition))


@facade("Queue put, get, join")
async def queue() -> None:
    queue = asyncio.Queue[int](1)
    getter = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    await getter
    queue.task_done()
    await queue.put(2)
    putter = asyncio.create_task(queue.put(3))
    await asyncio.sleep(0)
    for _ in range(2):
        await queue.get()
        queue.task_done()
    await putter
    await queue.join()


@facade("Queue.get cancelled")
async def get_cancelled() -> None:
    await cancel_task_in(asyncio.Queue[int]().get)


@facade("async generator")
async def iterating() -> None:
    async for _ in count_up_in_asyncio():
        pass


@facade("async generator broken off")
async def breaking_off() -> None:
    async for _ in count_up_in_asyncio():
        break
    for _ in range(4):
        await asyncio.sleep(0)


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


@facade("call_soon_threadsafe")
async def calling_threadsafe() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon_threadsafe(future.set_result, None)
    await future


@facade("add_reader, remove_reader", within=pipe)
async def reader(ends: tuple[int, int]) -> None:
    loop = asyncio.get_running_loop()
    os.write(ends[1], b"x")
    future = loop.create_future()
    loop.add_reader(ends[0], future.set_result, None)
    await future
    loop.remove_reader(ends[0])
    os.read(ends[0], 1)


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


@facade("add_signal_handler")
async def signals() -> None:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, future.set_result, None)
    os.kill(os.getpid(), signal.SIGUSR1)
    await future
    loop.remove_signal_handler(signal.SIGUSR1)


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


@facade("streams: connect, echo, close", SOME, within=native_network.asyncio_echo_server)
async def streams(port: int) -> None:
    await native_network.talk_in_asyncio(*await asyncio.open_connection(native_network.LOCALHOST, port))


@facade("streams: refused", SOME)
async def refused() -> None:
    with suppress(ConnectionRefusedError):
        await asyncio.open_connection(native_network.LOCALHOST, native_network.PORT)


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


@facade("streams: a handler fails", SOME, within=native_network.failing_asyncio_server)
async def failing_handler(port: int) -> None:
    reader, writer = await asyncio.open_connection(native_network.LOCALHOST, port)
    await reader.read()
    writer.close()
    await writer.wait_closed()


@facade("streams: server made, closed", SOME)
async def serving() -> None:
    async with await asyncio.start_server(native_network.echo_in_asyncio, native_network.LOCALHOST, 0):
        await asyncio.sleep(0)


@facade("streams: TLS", FEW, within=native_network.asyncio_tls_server)
async def tls(port: int) -> None:
    await native_network.talk_in_asyncio(
        *await asyncio.open_connection("localhost", port, ssl=native_network.CLIENT))


@facade("streams: TLS handshake fails", FEW, within=native_network.asyncio_tls_server)
async def tls_failure(port: int) -> None:
    with suppress(ssl.SSLError):
        await asyncio.open_connection("localhost", port, ssl=native_network.DISTRUSTFUL)


@facade("streams: Unix", SOME, within=native_network.asyncio_unix_server)
async def unix(path: str) -> None:
    await native_network.talk_in_asyncio(*await asyncio.open_unix_connection(path))


@facade("datagrams", SOME)
async def datagrams() -> None:
    loop = asyncio.get_running_loop()
    receiver, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(native_network.LOCALHOST, 0))
    address = receiver.get_extra_info("sockname")
    sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    sender.sendto(b"x")
    await asyncio.sleep(1e-6)
    receiver.close()
    sender.close()
    await asyncio.sleep(0)


@facade("subprocess", FEW)
async def subprocess() -> None:
    process = await asyncio.create_subprocess_exec(*native_host.CAT, stdin=PIPE, stdout=PIPE)
    await process.communicate(b"x")


@facade("subprocess of no program", FEW)
async def missing_subprocess() -> None:
    with suppress(FileNotFoundError):
        await asyncio.create_subprocess_exec("/nowhere", stdin=PIPE, stdout=PIPE)


@facade("subprocess killed", FEW)
async def killed_subprocess() -> None:
    process = await asyncio.create_subprocess_exec(*native_host.CAT, stdin=PIPE, stdout=PIPE)
    process.kill()
    await process.wait()
