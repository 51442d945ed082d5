"""nats-py and a nats-server: its client reads, writes, pings and reconnects in tasks of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.servers import Server, free_port, program, served

pytest.importorskip("nats")
import nats  # noqa: E402
from nats.errors import ConnectionClosedError, DrainTimeoutError, NoRespondersError, NoServersError  # noqa: E402
from nats.errors import TimeoutError as NatsTimeout  # noqa: E402
from nats.js.errors import KeyWrongLastSequenceError  # noqa: E402


def library(exercised: str) -> pytest.MarkDecorator:
    return pytest.mark.library("nats-py", exercised)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = program("nats-server", "nats-server")
    directory = tmp_path_factory.mktemp("nats")
    port = free_port()
    with served([command, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", directory / "store"], port,
                directory / "log") as process:
        yield process


async def connected(server: Server, **options: Any) -> Any:
    """A client that reconnects at once, and whose errors are failures where no others are given."""

    async def unexpected(error: Exception) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "the client's error callback",
                                                           "exception": error})

    return await nats.connect(f"nats://127.0.0.1:{server.port}",
                              **{"reconnect_time_wait": 0.05, "error_cb": unexpected, **options})


async def subscribed(client: Any) -> None:
    """Wait until the server knows of the subscriptions made.

    The first flush sends its PING ahead of those that the flusher's task has not written yet, on any loop.
    """
    await client.flush()
    await client.flush()


@library("publish and subscribe, wildcards")
def test_messages_arrive_in_order_by_callback_and_by_iteration(server: Server) -> None:
    count = 2000

    async def main() -> tuple[list[int], list[tuple[str, bytes, dict[str, str] | None]]]:
        client, sender = await connected(server), await connected(server)
        numbers: list[int] = []

        async def note(message: Any) -> None:
            numbers.append(int(message.data))

        await client.subscribe("count", cb=note)
        chosen = await client.subscribe("house.*.heat")
        rest = await client.subscribe("house.>")
        await subscribed(client)
        for number in range(count):
            await sender.publish("count", str(number).encode())
        await sender.publish("house.hall.heat", b"20", headers={"unit": "celsius"})
        await sender.publish("house.hall.light.left", b"on")
        await sender.flush()
        messages = [await chosen.next_msg(5), await rest.next_msg(5), await rest.next_msg(5)]
        await until(lambda: len(numbers) == count, "all messages")
        with pytest.raises(NatsTimeout):
            await chosen.next_msg(0.05)
        await chosen.unsubscribe()
        await client.close()
        await sender.close()
        return numbers, [(message.subject, message.data, message.headers) for message in messages]

    numbers, messages = run_cleanly(main())
    assert numbers == list(range(count))
    heat = ("house.hall.heat", b"20", {"unit": "celsius"})
    assert messages == [heat, heat, ("house.hall.light.left", b"on", None)]


@library("queue groups, request and reply")
def test_a_queue_group_shares_the_work_and_nobody_gets_anything_twice(server: Server) -> None:
    workers, jobs = 5, 500

    async def main() -> tuple[Counter[int], Counter[bytes]]:
        by_worker: Counter[int] = Counter()
        by_job: Counter[bytes] = Counter()
        clients = [await connected(server) for _ in range(workers)]
        for number, client in enumerate(clients):

            async def work(message: Any, number: int = number) -> None:
                by_worker[number] += 1
                by_job[message.data] += 1

            await client.subscribe("jobs", queue="workers", cb=work)
            await subscribed(client)
        async with await connected(server) as sender:
            for job in range(jobs):
                await sender.publish("jobs", str(job).encode())
        await until(lambda: by_job.total() == jobs, "all jobs")
        for client in clients:
            await client.close()
        return by_worker, by_job

    by_worker, by_job = run_cleanly(main())
    assert len(by_worker) == workers
    assert by_job == Counter(str(job).encode() for job in range(jobs))


@library("queue groups, request and reply")
def test_two_hundred_requests_at_a_time_get_their_own_answers(server: Server) -> None:
    async def main() -> list[bytes]:
        async with await connected(server) as service, await connected(server) as client:

            async def answer(message: Any) -> None:
                await message.respond(message.data[::-1])

            async def silent(message: Any) -> None:
                pass

            await service.subscribe("reverse", cb=answer)
            await service.subscribe("silent", cb=silent)
            await subscribed(service)
            replies = await asyncio.gather(*(client.request("reverse", b"request %d" % number, timeout=20)
                                             for number in range(200)))
            with pytest.raises(NoRespondersError):
                await client.request("nobody", b"", timeout=5)
            with pytest.raises(NatsTimeout):
                await client.request("silent", b"", timeout=0.05)
            cancelled = asyncio.create_task(client.request("silent", b"", timeout=20))
            await asyncio.sleep(0.01)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            return [reply.data for reply in replies]

    assert run_cleanly(main()) == [(b"request %d" % number)[::-1] for number in range(200)]


@library("drain")
def test_draining_ends_a_client_when_it_has_worked_off_what_it_had(server: Server) -> None:
    async def main() -> tuple[int, bool]:
        done = 0
        closed = asyncio.Event()

        async def work(message: Any) -> None:
            nonlocal done
            await asyncio.sleep(0.002)
            done += 1

        async def is_closed() -> None:
            closed.set()

        client = await connected(server, closed_cb=is_closed)
        await client.subscribe("slow", cb=work)
        for _ in range(50):
            await client.publish("slow", b"")
        await client.flush()
        begun = done
        await client.drain()
        with pytest.raises(ConnectionClosedError):
            await client.publish("slow", b"")
        assert begun < done
        return done, closed.is_set()

    assert run_cleanly(main()) == (50, True)


@library("drain")
def test_a_drain_that_takes_too_long_is_told(server: Server) -> None:
    async def main() -> list[type[Exception]]:
        errors: list[type[Exception]] = []

        async def note(error: Exception) -> None:
            errors.append(type(error))

        async def hang(message: Any) -> None:
            await asyncio.sleep(30)

        client = await connected(server, drain_timeout=0.1, error_cb=note)
        await client.subscribe("stuck", cb=hang)
        await client.publish("stuck", b"")
        await client.flush()
        await client.drain()
        assert client.is_closed
        return errors

    assert run_cleanly(main()) == [DrainTimeoutError]


@library("a server that is killed and comes again")
def test_subscriptions_and_what_was_published_meanwhile_survive_a_killed_server(server: Server) -> None:
    async def main() -> tuple[list[bytes], list[str]]:
        events: list[str] = []
        received: list[bytes] = []

        def noted(event: str) -> Any:
            async def note(*args: object) -> None:
                events.append(event)
            return note

        async def receive(message: Any) -> None:
            received.append(message.data)

        client = await connected(server, max_reconnect_attempts=-1, disconnected_cb=noted("disconnected"),
                                 reconnected_cb=noted("reconnected"), closed_cb=noted("closed"),
                                 error_cb=noted("error"))
        await client.subscribe("news", cb=receive)
        for turn in range(2):
            await client.publish("news", b"%d before" % turn)
            await client.flush()
            await until(lambda: len(received) == 2 * turn + 1, "the message before")
            unanswered = asyncio.create_task(client.request("silent", b"", timeout=1))
            await asyncio.to_thread(server.kill)
            await until(lambda: client.is_reconnecting, "that the client has noticed")
            await client.publish("news", b"%d meanwhile" % turn)
            with pytest.raises((NatsTimeout, NoRespondersError)):
                await unanswered
            await asyncio.to_thread(server.start)
            await until(lambda: client.is_connected, "the reconnection")
            await until(lambda: len(received) == 2 * turn + 2, "the message meanwhile")
        await client.close()
        return received, [event for event in events if event != "error"]

    received, events = run_cleanly(main())
    assert received == [b"0 before", b"0 meanwhile", b"1 before", b"1 meanwhile"]
    assert events == ["disconnected", "reconnected"] * 2 + ["disconnected", "closed"]


@library("a server that is killed and comes again")
def test_a_client_that_may_not_reconnect_is_closed_with_an_error(server: Server) -> None:
    async def main() -> tuple[str, bool]:
        errors: list[Exception] = []
        closed = asyncio.Event()

        async def note(error: Exception) -> None:
            errors.append(error)

        async def is_closed() -> None:
            closed.set()

        client = await connected(server, max_reconnect_attempts=2, closed_cb=is_closed, error_cb=note)
        subscription = await client.subscribe("news")
        waiting = asyncio.create_task(anext(aiter(subscription.messages), None))
        await client.flush()
        await asyncio.to_thread(server.kill)
        async with asyncio.timeout(20):
            await closed.wait()
            assert await waiting is None  # the iteration ends
        with pytest.raises(ConnectionClosedError):
            await client.publish("news", b"")
        with pytest.raises(NoServersError):
            await connected(server, max_reconnect_attempts=1, allow_reconnect=False, error_cb=note)
        await asyncio.to_thread(server.start)
        return type(client.last_error).__name__, any(isinstance(error, OSError) for error in errors)

    assert run_cleanly(main()) == ("NoServersError", True)


@library("JetStream: streams, pull consumers, key-value store")
def test_a_stream_and_a_key_value_store_outlive_a_killed_server(server: Server) -> None:
    async def main() -> tuple[list[bytes], list[bytes], list[tuple[str, bytes | None]]]:
        options = {"max_reconnect_attempts": -1}
        client = await connected(server, **options)
        stream = client.jetstream()
        await stream.add_stream(name="orders", subjects=["orders.*"])
        acknowledged = [await stream.publish("orders.new", b"order %d" % number) for number in range(20)]
        assert [ack.seq for ack in acknowledged] == list(range(1, 21))
        consumer = await stream.pull_subscribe("orders.new", durable="shop")
        first = await consumer.fetch(10, timeout=5)
        for message in first:
            await message.ack_sync()
        store = await stream.create_key_value(bucket="settings", history=5)
        revision = await store.put("colour", b"red")
        await store.update("colour", b"green", last=revision)
        with pytest.raises(KeyWrongLastSequenceError):
            await store.update("colour", b"blue", last=revision)
        watcher = await store.watchall()
        await client.close()

        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        client = await connected(server, **options)
        stream = client.jetstream()
        consumer = await stream.pull_subscribe("orders.new", durable="shop")
        second = await consumer.fetch(10, timeout=5)
        for message in second:
            await message.ack_sync()
        with pytest.raises(NatsTimeout):
            await consumer.fetch(1, timeout=0.1)
        store = await stream.key_value("settings")
        assert (await store.get("colour")).value == b"green"
        watcher = await store.watch("*", include_history=True)
        history = []
        while (entry := await watcher.updates(timeout=5)) is not None:
            history.append((entry.key, entry.value))
        await watcher.stop()
        await stream.delete_key_value("settings")
        await stream.delete_stream("orders")
        await client.close()
        return [message.data for message in first], [message.data for message in second], history

    first, second, history = run_cleanly(main(), forgets="_JSI.activity_check")
    assert first + second == [b"order %d" % number for number in range(20)]
    assert history == [("colour", b"red"), ("colour", b"green")]
