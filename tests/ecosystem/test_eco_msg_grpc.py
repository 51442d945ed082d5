"""grpc.aio: its core works in threads of its own, and tells the loop by a descriptor that a thread writes to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import compat
from tests.ecosystem.clean_run import STOCK, run_cleanly, until
from tests.ecosystem.servers import Server, served_program

pytest.importorskip("grpc")
import grpc.aio  # noqa: E402

from tests.support.paths import CERTIFICATES

CALLS = 200


def library(exercised: str) -> pytest.MarkDecorator:
    return pytest.mark.library("grpcio", exercised)


def run_grpc(main: Any) -> Any:
    """`run_cleanly`; gRPC's core keeps threads and descriptors as long as the process lives."""
    return run_cleanly(main, keeps=True)


class Service:
    """Handlers of all four kinds, which take and give bytes."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def upper(self, request: bytes, context: Any) -> bytes:
        await asyncio.sleep(0)
        return request.upper()

    async def details(self, request: bytes, context: Any) -> bytes:
        sent = dict(context.invocation_metadata())
        await context.send_initial_metadata((("begin", sent["token"]),))
        context.set_trailing_metadata((("end-bin", request),))
        return sent["token"].encode()

    async def refuse(self, request: bytes, context: Any) -> bytes:
        if request == b"abort":
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")
        raise ValueError("a mistake")

    async def hang(self, request: bytes, context: Any) -> bytes:
        self.begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b"too late"

    async def numbers(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            for number in range(int(request)):
                yield b"%d" % number
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise

    async def total(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        return b"%d" % sum([int(request) async for request in requests])

    async def reverse(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request[::-1]

    def handler(self) -> Any:
        return grpc.method_handlers_generic_handler("test.Service", {
            "Upper": grpc.unary_unary_rpc_method_handler(self.upper),
            "Details": grpc.unary_unary_rpc_method_handler(self.details),
            "Refuse": grpc.unary_unary_rpc_method_handler(self.refuse),
            "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
            "Numbers": grpc.unary_stream_rpc_method_handler(self.numbers),
            "Total": grpc.stream_unary_rpc_method_handler(self.total),
            "Reverse": grpc.stream_stream_rpc_method_handler(self.reverse)})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Any, Service]]:
    """A channel to a server of the service's."""
    service, server = Service(), grpc.aio.server()
    server.add_generic_rpc_handlers((service.handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel, service
    finally:
        await server.stop(None)


def unary(channel: Any, method: str) -> Any:
    return channel.unary_unary(f"/test.Service/{method}")


async def counted(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield b"%d" % number


@library("unary, streams, both ways")
def test_calls_of_all_four_kinds() -> None:
    async def main() -> None:
        async with connected() as (channel, _):
            assert await unary(channel, "Upper")(b"hello" * 100_000) == b"HELLO" * 100_000
            numbers = [part async for part in channel.unary_stream("/test.Service/Numbers")(b"1000")]
            assert numbers == [b"%d" % number for number in range(1000)]
            assert await channel.stream_unary("/test.Service/Total")(counted(1000)) == b"%d" % sum(range(1000))
            call = channel.stream_stream("/test.Service/Reverse")()
            for number in range(100):  # in turns
                await call.write(b"message %d" % number)
                assert await call.read() == (b"message %d" % number)[::-1]
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            assert await call.code() == grpc.StatusCode.OK

    run_grpc(main())


@library("metadata, statuses and errors")
def test_metadata_and_statuses_reach_the_other_side() -> None:
    async def main() -> tuple[Any, ...]:
        async with connected() as (channel, _):
            call = unary(channel, "Details")(b"\x00\xff", metadata=(("token", "secret"),))
            begin = dict(await call.initial_metadata())["begin"]
            answer, end = await call, dict(await call.trailing_metadata())["end-bin"]
            errors = []
            for method, request in ("Refuse", b"abort"), ("Refuse", b"raise"), ("Unknown", b""):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await unary(channel, method)(request)
                errors.append((caught.value.code().name, caught.value.details()))
            return begin, answer, end, errors

    begin, answer, end, errors = run_grpc(main())
    assert (begin, answer, end) == ("secret", b"secret", b"\x00\xff")
    assert errors[0] == ("FAILED_PRECONDITION", "not today")
    assert errors[1][0] == "UNKNOWN" and "a mistake" in errors[1][1]
    assert errors[2][0] == "UNIMPLEMENTED"


@library("cancellation and deadlines")
@pytest.mark.parametrize("way", ["the call", "the task", "a timeout of asyncio's", "the deadline"])
def test_a_call_that_is_given_up_is_cancelled_in_the_server_too(way: str) -> None:
    async def main() -> str:
        async with connected() as (channel, service):
            call = unary(channel, "Hang")(b"", timeout=0.3 if way == "the deadline" else None)

            async def wait() -> bytes:
                return await call

            task = asyncio.create_task(wait())
            await service.begun.wait()
            try:
                if way == "the call":
                    assert call.cancel()
                    await task
                elif way == "the task":
                    task.cancel()
                    await task
                elif way == "a timeout of asyncio's":
                    async with asyncio.timeout(0.01):
                        await task
                else:
                    await task
            except (asyncio.CancelledError, TimeoutError, grpc.aio.AioRpcError) as error:
                raised = type(error).__name__
            async with asyncio.timeout(20):
                await service.cancelled.wait()
            assert await unary(channel, "Upper")(b"still there") == b"STILL THERE"
            return f"{raised} {(await call.code()).name}"

    assert run_grpc(main()) == {"the call": "CancelledError CANCELLED", "the task": "CancelledError CANCELLED",
                                "a timeout of asyncio's": "TimeoutError CANCELLED",
                                "the deadline": "AioRpcError DEADLINE_EXCEEDED"}[way]


@library("cancellation and deadlines")
def test_a_stream_that_nobody_reads_any_more_ends_in_the_server() -> None:
    async def main() -> list[bytes]:
        async with connected() as (channel, service):
            call = channel.unary_stream("/test.Service/Numbers")(b"100000000")
            read = [await call.read() for _ in range(3)]
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call.read()
            async with asyncio.timeout(20):
                await service.cancelled.wait()
            return read

    assert run_grpc(main()) == [b"0", b"1", b"2"]


@library("200 calls at a time, two loops at a time, TLS")
def test_two_hundred_calls_at_a_time() -> None:
    async def main() -> None:
        async with connected() as (channel, _):

            async def call(number: int) -> bytes:
                return await unary(channel, "Upper")(b"call %d" % number)

            async def talk(number: int) -> list[bytes]:
                return [part async for part in channel.stream_stream("/test.Service/Reverse")(counted(number % 10))]

            async with asyncio.TaskGroup() as group:
                answers = [group.create_task(call(number)) for number in range(CALLS)]
                streams = [group.create_task(talk(number)) for number in range(CALLS)]
            assert [task.result() for task in answers] == [b"CALL %d" % number for number in range(CALLS)]
            assert [task.result() for task in streams] == [[b"%d" % part for part in range(number % 10)]
                                                           for number in range(CALLS)]

    run_grpc(main())


@library("200 calls at a time, two loops at a time, TLS")
def test_two_loops_in_two_threads_each_with_a_server() -> None:
    async def main(barrier: threading.Barrier) -> list[bytes]:
        async with connected() as (channel, _):
            await asyncio.to_thread(barrier.wait, 20)  # so that both use the one poller
            return await asyncio.gather(*(unary(channel, "Upper")(b"call %d" % number) for number in range(50)))

    def run(index: int, barrier: threading.Barrier) -> None:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop if STOCK else compat.new_event_loop) as runner:
            results[index] = runner.run(asyncio.wait_for(main(barrier), 40))

    results: list[list[bytes]] = [[], []]
    meeting = threading.Barrier(2)
    threads = [threading.Thread(target=run, args=(index, meeting)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert results == [[b"CALL %d" % number for number in range(50)]] * 2


@library("200 calls at a time, two loops at a time, TLS")
def test_tls_with_a_known_and_an_unknown_authority() -> None:
    pem = (CERTIFICATES / "server.pem").read_bytes()

    async def main() -> tuple[bytes, str]:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((Service().handler(),))
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pem, pem)]))
        await server.start()
        trusting = grpc.ssl_channel_credentials((CERTIFICATES / "authority.pem").read_bytes())
        async with grpc.aio.secure_channel(f"localhost:{port}", trusting) as channel:
            answer = await unary(channel, "Upper")(b"secret")
        async with grpc.aio.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials()) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await unary(channel, "Upper")(b"secret")
        await server.stop(None)
        return answer, caught.value.code().name

    assert run_grpc(main()) == (b"SECRET", "UNAVAILABLE")


@library("a server that shuts down, and one that is killed")
def test_a_server_that_stops_lets_calls_finish_for_as_long_as_it_says() -> None:
    async def main() -> tuple[bytes, str]:
        service, server = Service(), grpc.aio.server()
        finish = asyncio.Event()
        begun = asyncio.Semaphore(0)

        async def patient(request: bytes, context: Any) -> bytes:
            begun.release()
            await finish.wait()
            return b"finished"

        server.add_generic_rpc_handlers((service.handler(), grpc.method_handlers_generic_handler(
            "test.Patient", {"Wait": grpc.unary_unary_rpc_method_handler(patient)})))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            kept = asyncio.ensure_future(channel.unary_unary("/test.Patient/Wait")(b""))
            await begun.acquire()
            stopping = asyncio.create_task(server.stop(20))
            await asyncio.sleep(0.05)
            finish.set()
            answer = await kept
            await stopping
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await unary(channel, "Upper")(b"anyone?")
            return answer, caught.value.code().name

    assert run_grpc(main()) == (b"finished", "UNAVAILABLE")


SERVER = """
import asyncio, sys
import grpc, grpc.aio

async def answer(request, context):
    if request == b"hang":
        await asyncio.sleep(60)
    return type(asyncio.get_running_loop()).__module__.encode()

async def main():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "test.Service", {"Upper": grpc.unary_unary_rpc_method_handler(answer)}),))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with served_program(SERVER, tmp_path) as process:
        yield process


@library("a server that shuts down, and one that is killed")
def test_calls_of_a_killed_server_fail_clearly_and_the_channel_recovers(server: Server) -> None:
    async def main() -> tuple[bytes, str, str, bytes]:
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.min_reconnect_backoff_ms", 100),
                   ("grpc.max_reconnect_backoff_ms", 100)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=options) as channel:
            call = unary(channel, "Upper")
            first = await call(b"hello")
            hanging = asyncio.ensure_future(call(b"hang"))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(server.kill)
            with pytest.raises(grpc.aio.AioRpcError) as lost:
                await hanging
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(b"hello")
            again = asyncio.ensure_future(call(b"hello", wait_for_ready=True, timeout=30))
            failing = grpc.ChannelConnectivity.TRANSIENT_FAILURE
            await until(lambda: channel.get_state() == failing, "a failure to connect")
            await asyncio.to_thread(server.start)
            return first, lost.value.code().name, refused.value.code().name, await again

    assert run_grpc(main()) == (b"compat.events", "UNAVAILABLE", "UNAVAILABLE", b"compat.events")
