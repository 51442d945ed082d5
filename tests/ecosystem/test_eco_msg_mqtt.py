"""aiomqtt and a mosquitto: paho's sockets are watched by `add_reader` and `add_writer`, and it connects in a thread."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly
from tests.ecosystem.servers import Server, free_port, program, served

pytest.importorskip("aiomqtt")
import aiomqtt  # noqa: E402

from tests.support.paths import CERTIFICATES, ROOT
from tests.support.tls import client_context


def library(exercised: str) -> pytest.MarkDecorator:
    return pytest.mark.library("aiomqtt", exercised)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A mosquitto that writes to disk what it must not forget; it has a port for TLS as well, `secure`."""
    mosquitto = program("mosquitto", "mosquitto")
    directory = tmp_path_factory.mktemp("mosquitto")
    port, secure = free_port(), free_port()
    configuration = directory / "mosquitto.conf"
    configuration.write_text(f"""
user root
allow_anonymous true
persistence true
persistence_location {directory}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 10000
listener {port} 127.0.0.1
listener {secure} 127.0.0.1
cafile {CERTIFICATES / "authority.pem"}
certfile {CERTIFICATES / "server.pem"}
keyfile {CERTIFICATES / "server.pem"}
""")
    with served([mosquitto, "-c", configuration], port, directory / "log") as server:
        server.secure = secure  # type: ignore[attr-defined]
        yield server


def client_of(broker: Server, name: str | None = None, **options: Any) -> Any:
    return aiomqtt.Client("127.0.0.1", broker.port, identifier=name, **options)


async def take(client: Any, count: int) -> list[Any]:
    """The next `count` messages."""
    messages: list[Any] = []
    async for message in client.messages:
        messages.append(message)
        if len(messages) == count:
            break
    return messages


@library("QoS 0, 1 and 2")
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_of_each_quality_of_service_arrive_once_and_in_order(broker: Server, qos: int) -> None:
    generator = random.Random(qos)
    payloads = [b"%d:" % number + generator.randbytes(number * 10) for number in range(100)]

    async def main() -> list[Any]:
        async with client_of(broker) as sender, client_of(broker) as receiver:
            assert await receiver.subscribe(f"quality/{qos}", qos=qos)
            for payload in payloads:
                await sender.publish(f"quality/{qos}", payload, qos=qos)
            messages = await take(receiver, len(payloads))
            await sender.publish(f"quality/{qos}", b"the end", qos=qos)
            assert [message.payload for message in await take(receiver, 1)] == [b"the end"]  # and nothing twice
            return messages

    messages = run_cleanly(main())
    assert [message.payload for message in messages] == payloads
    assert {message.qos for message in messages} == {qos}


@library("retained messages, wildcards")
def test_a_retained_message_waits_for_who_subscribes_later(broker: Server) -> None:
    async def main() -> tuple[list[tuple[bytes, bool]], bytes]:
        async with client_of(broker) as sender:
            await sender.publish("retained/value", b"old", qos=1, retain=True)
            await sender.publish("retained/value", b"new", qos=1, retain=True)
        async with client_of(broker) as late:
            await late.subscribe("retained/value", qos=1)
            await late.publish("retained/value", b"", qos=1, retain=True)  # which clears it
            seen = [(message.payload, message.retain) for message in await take(late, 2)]
        async with client_of(broker) as later:
            await later.subscribe("retained/value", qos=1)
            await later.publish("retained/value", b"not retained", qos=1)
            return seen, (await take(later, 1))[0].payload

    assert run_cleanly(main()) == ([(b"new", True), (b"", False)], b"not retained")


@library("retained messages, wildcards")
def test_wildcards_choose_topics_and_unsubscribing_ends_it(broker: Server) -> None:
    async def main() -> tuple[list[str], list[str]]:
        async with client_of(broker) as client:
            await client.subscribe([("house/+/heat", 1), ("garden/#", 1)])
            for topic in ("house/hall/heat", "house/hall/light", "garden", "garden/a/b", "house/a/b/heat",
                          "house/x/heat"):
                await client.publish(topic, b"1", qos=1)
            first = await take(client, 4)
            assert [message.topic.matches("house/+/heat") for message in first] == [True, False, False, True]
            await client.unsubscribe("garden/#")
            for topic in "garden/c", "house/y/heat":
                await client.publish(topic, b"2", qos=1)
            return [str(message.topic) for message in first], [str(message.topic) for message in await take(client, 1)]

    first, then = run_cleanly(main())
    assert first == ["house/hall/heat", "garden", "garden/a/b", "house/x/heat"]
    assert then == ["house/y/heat"]


@library("30 clients at a time, MQTT 5, TLS")
def test_thirty_clients_at_a_time(broker: Server) -> None:
    clients, each = 30, 20

    async def main() -> list[bytes]:
        async def one(number: int) -> None:
            async with client_of(broker, protocol=aiomqtt.ProtocolVersion.V5) as client:
                async with asyncio.TaskGroup() as group:
                    for turn in range(each):
                        group.create_task(client.publish("crowd", f"{number}:{turn}", qos=turn % 3))

        async with client_of(broker, protocol=aiomqtt.ProtocolVersion.V5) as receiver:
            await receiver.subscribe("crowd", qos=2)
            async with asyncio.TaskGroup() as group:
                for number in range(clients):
                    group.create_task(one(number))
                messages = await take(receiver, clients * each)
            return [message.payload for message in messages]

    expected = sorted(f"{number}:{turn}".encode() for number in range(clients) for turn in range(each))
    assert sorted(run_cleanly(main())) == expected


@library("30 clients at a time, MQTT 5, TLS")
def test_large_messages_over_tls(broker: Server) -> None:
    payload = random.Random(5).randbytes(2_000_000)
    context = client_context()

    async def main() -> bytes:
        port = broker.secure  # type: ignore[attr-defined]
        with pytest.raises(aiomqtt.MqttError, match="CERTIFICATE_VERIFY_FAILED"):
            async with aiomqtt.Client("localhost", port, tls_context=ssl.create_default_context()):
                pass
        async with aiomqtt.Client("localhost", port, tls_context=context) as client:
            await client.subscribe("large", qos=1)
            await client.publish("large", payload, qos=1)
            return bytes((await take(client, 1))[0].payload)

    assert run_cleanly(main()) == payload


MORTAL = """
import asyncio, sys
import aiomqtt

async def main():
    will = aiomqtt.Will("obituary", f"of {type(asyncio.get_running_loop()).__module__}", qos=1)
    async with aiomqtt.Client("127.0.0.1", int(sys.argv[1]), will=will) as client:
        await client.publish("mortal", b"alive", qos=1)
        if sys.stdin.readline():
            return
        await asyncio.sleep(60)

asyncio.run(main())
"""


@library("last will")
def test_the_will_of_a_client_is_read_when_it_is_killed_and_only_then(broker: Server, tmp_path: Path) -> None:
    script = tmp_path / "mortal.py"
    script.write_text(MORTAL)
    command = [sys.executable, "-m", "compat", str(script), str(broker.port)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)

    async def main() -> list[tuple[str, bytes]]:
        async with client_of(broker) as heir:
            await heir.subscribe([("mortal", 1), ("obituary", 1)])
            seen = []
            for killed in True, False:
                with start() as process:
                    try:
                        seen += await take(heir, 1)
                        if killed:
                            process.kill()
                            seen += await take(heir, 1)
                        else:
                            await asyncio.to_thread(process.communicate, b"leave\n")
                    finally:
                        process.kill()
            await heir.publish("mortal", b"the end", qos=1)
            seen += await take(heir, 1)
            return [(str(message.topic), message.payload) for message in seen]

    assert run_cleanly(main()) == [("mortal", b"alive"), ("obituary", b"of compat.events"), ("mortal", b"alive"),
                                   ("mortal", b"the end")]


@library("a broker that is killed, that is restarted, that is mute")
def test_a_killed_broker_is_a_clear_error_for_all_that_wait_and_the_session_goes_on_later(broker: Server) -> None:
    async def main() -> list[bytes]:
        client = client_of(broker, "lasting", clean_session=False, timeout=5)
        with pytest.raises(aiomqtt.MqttError) as ended:
            async with client:
                await client.subscribe("lasting", qos=1)
                await client.publish("lasting", b"before", qos=0)  # of which nothing is kept
                received = [message.payload for message in await take(client, 1)]
                waiting = asyncio.create_task(take(client, 1))
                await asyncio.sleep(0)
                await asyncio.to_thread(broker.kill)
                with pytest.raises(aiomqtt.MqttError, match="Disconnected during message iteration"):
                    await waiting
                with pytest.raises(aiomqtt.MqttCodeError, match="not currently connected"):
                    await client.publish("lasting", b"lost", qos=0)
                raise aiomqtt.MqttError("out of the block")
        assert str(ended.value) == "out of the block"
        with pytest.raises(aiomqtt.MqttError, match="[Rr]efused"):
            async with client_of(broker):
                pass
        await asyncio.to_thread(broker.start)
        async with client_of(broker) as other:
            await other.publish("lasting", b"while away", qos=1)
        async with client_of(broker, "lasting", clean_session=False) as again:  # the subscription is the session's
            await again.publish("lasting", b"after", qos=1)
            received += [message.payload for message in await take(again, 2)]
        async with client_of(broker, "lasting", clean_session=True):
            return received

    assert run_cleanly(main()) == [b"before", b"while away", b"after"]


@library("a broker that is killed, that is restarted, that is mute")
def test_a_client_that_reconnects_in_a_loop_misses_nothing_published_at_qos_1(broker: Server) -> None:
    total, restarts = 60, 3

    async def main() -> tuple[list[int], int]:
        received: list[int] = []
        reconnects = 0

        async def receive() -> None:
            nonlocal reconnects
            while True:
                try:
                    async with client_of(broker, "loop", clean_session=False) as client:
                        await client.subscribe("loop", qos=1)
                        subscribed.set()
                        async for message in client.messages:
                            received.append(int(message.payload))
                            if received[-1] == total - 1:
                                return
                except aiomqtt.MqttError:
                    reconnects += 1
                    await asyncio.sleep(0.05)

        async def send() -> None:
            await subscribed.wait()
            number = 0
            while number < total:
                try:
                    async with client_of(broker, timeout=2) as client:
                        while number < total:
                            await client.publish("loop", str(number), qos=1)
                            number += 1
                            if number % (total // (restarts + 1)) == 0 and number < total:
                                # Not by SIGKILL: mosquitto confirms before it has written.
                                await asyncio.to_thread(broker.kill, signal.SIGTERM)
                                await asyncio.to_thread(broker.start)
                except aiomqtt.MqttError:
                    await asyncio.sleep(0.05)

        subscribed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(receive())
            group.create_task(send())
        async with client_of(broker, "loop", clean_session=True):
            return received, reconnects

    received, reconnects = run_cleanly(main())
    assert sorted(set(received)) == list(range(total))  # at least once each
    assert reconnects >= restarts


@library("a broker that is killed, that is restarted, that is mute")
def test_a_broker_that_does_not_answer_is_a_timeout() -> None:
    async def main(port: int) -> str:
        with pytest.raises(aiomqtt.MqttError) as caught:
            async with aiomqtt.Client("127.0.0.1", port, timeout=0.2):
                pass
        return str(caught.value)

    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert run_cleanly(main(mute.getsockname()[1]), forgets="Client._misc_loop") == "Operation timed out"
