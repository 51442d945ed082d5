"""dnspython's asynchronous resolver and queries, and a name server of the test's on the same loop."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly

pytest.importorskip("dns")
import dns.asyncquery  # noqa: E402
import dns.asyncresolver  # noqa: E402
import dns.exception  # noqa: E402
import dns.flags  # noqa: E402
import dns.message  # noqa: E402
import dns.rcode  # noqa: E402
import dns.resolver  # noqa: E402
import dns.rrset  # noqa: E402

from tests.support.tls import client_context, server_context

LONG = [f"line {number} of a text too long for a datagram" for number in range(100)]


def library(exercised: str) -> pytest.MarkDecorator:
    return pytest.mark.library("dnspython", exercised)


class NameServer(asyncio.DatagramProtocol):
    """Answers for the zone `test`, by UDP and by TCP at one port, and by TLS at `secure`."""

    port: int
    secure: int

    def __init__(self) -> None:
        self.questions: Counter[str] = Counter()  # kind of transport: how many
        self.flaky = 0  # of how many questions still nothing is to be heard
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.questions["udp"] += 1
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text()
        if name == "lost.test." or self.flaky > 0:
            self.flaky -= 1
            return
        if name == "forged.test.":
            forged = self.answer(data)
            forged.id ^= 1
            self._transport.sendto(forged.to_wire(), address)
        answer = self.answer(data)
        if len(answer.to_wire()) > 1232:
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.TC
        delay = random.Random(name).uniform(0, 0.02)  # so that answers overtake each other
        asyncio.get_running_loop().call_later(delay, self._transport.sendto, answer.to_wire(), address)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = writer.get_extra_info("ssl_object") is not None
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                data = await reader.readexactly(length)
                self.questions["tls" if secure else "tcp"] += 1
                if b"\4lost" not in data:
                    writer.write(self.answer(data).to_wire(prepend_length=True))
                    await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    def answer(self, data: bytes) -> Any:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        name, kind = question.question[0].name, question.question[0].rdtype
        label = name.to_text().split(".")[0]
        if label == "missing":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif label == "alias":
            answer.answer += [dns.rrset.from_text(name, 60, "IN", "CNAME", "host-7.test."),
                              dns.rrset.from_text("host-7.test.", 60, "IN", "A", "10.0.0.7")]
        elif label == "long":
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", [f'"{line}"' for line in LONG]))
        elif kind == dns.rdatatype.A:
            number = label.split("-")[-1] if "-" in label else "1"
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", f"10.0.0.{number}"))
        return answer


@asynccontextmanager
async def serving() -> AsyncIterator[NameServer]:
    loop, server = asyncio.get_running_loop(), NameServer()
    context = server_context()
    streams = await asyncio.start_server(server.stream, "127.0.0.1", 0)
    server.port = streams.sockets[0].getsockname()[1]
    secure = await asyncio.start_server(server.stream, "127.0.0.1", 0, ssl=context)
    server.secure = secure.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", server.port))
    try:
        yield server
    finally:
        transport.close()
        for listener in streams, secure:
            listener.close()
            await listener.wait_closed()


def resolver_of(server: NameServer, *nameservers: str) -> Any:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = list(nameservers) or ["127.0.0.1"]
    resolver.port = server.port
    resolver.lifetime, resolver.timeout = 20, 5
    return resolver


@library("UDP, 200 questions at a time")
def test_answers_of_all_kinds_and_two_hundred_at_a_time() -> None:
    async def main() -> tuple[list[str], Counter[str]]:
        async with serving() as server:
            resolver = resolver_of(server)
            alias = await resolver.resolve("alias.test", "A")
            assert (alias.canonical_name.to_text(), alias[0].address) == ("host-7.test.", "10.0.0.7")
            with pytest.raises(dns.resolver.NXDOMAIN, match="missing.test"):
                await resolver.resolve("missing.test", "A")
            with pytest.raises(dns.resolver.NoAnswer):
                await resolver.resolve("host-1.test", "MX")
            server.questions.clear()
            answers = await asyncio.gather(*(resolver.resolve(f"host-{number}.test", "A") for number in range(200)))
            return [answer[0].address for answer in answers], server.questions

    addresses, questions = run_cleanly(main())
    assert addresses == [f"10.0.0.{number}" for number in range(200)]
    assert questions["udp"] >= 200 and questions["tcp"] == 0


@library("TCP: after truncation, many questions on one connection, TLS")
def test_a_truncated_answer_is_asked_for_again_by_tcp() -> None:
    async def main() -> tuple[list[str], Counter[str], bool]:
        async with serving() as server:
            answer = await resolver_of(server).resolve("long.test", "TXT")
            question = dns.message.make_query("long.test", "TXT")
            _, by_tcp = await dns.asyncquery.udp_with_fallback(question, "127.0.0.1", 5, server.port)
            with pytest.raises(dns.message.Truncated):
                await dns.asyncquery.udp(question, "127.0.0.1", 5, server.port, raise_on_truncation=True)
            return [record.strings[0].decode() for record in answer], server.questions, by_tcp

    lines, questions, by_tcp = run_cleanly(main())
    assert sorted(lines) == sorted(LONG)
    assert by_tcp
    assert questions == {"udp": 3, "tcp": 2}


@library("TCP: after truncation, many questions on one connection, TLS")
def test_many_questions_on_one_stream_and_over_tls() -> None:
    trusting = client_context()

    async def main() -> Counter[str]:
        async with serving() as server:
            question = dns.message.make_query("host-5.test", "A")
            backend = dns.asyncbackend.get_default_backend()
            stream = await backend.make_socket(socket.AF_INET, socket.SOCK_STREAM, timeout=5,
                                               destination=("127.0.0.1", server.port))
            async with stream:
                for number in range(50):
                    asked = dns.message.make_query(f"host-{number}.test", "A")
                    answer = await dns.asyncquery.tcp(asked, "127.0.0.1", 5, sock=stream)
                    assert answer.answer[0][0].address == f"10.0.0.{number}"
            answer = await dns.asyncquery.tls(question, "127.0.0.1", 5, server.secure, ssl_context=trusting,
                                              server_hostname="localhost")
            assert answer.answer[0][0].address == "10.0.0.5"
            with pytest.raises(ssl.SSLCertVerificationError):
                await dns.asyncquery.tls(question, "127.0.0.1", 5, server.secure, server_hostname="localhost")
            return server.questions

    assert run_cleanly(main()) == {"tcp": 50, "tls": 1}


@library("timeouts, lost and forged datagrams, a server that is gone")
def test_what_is_lost_is_asked_again_and_what_stays_lost_is_a_timeout() -> None:
    async def main() -> tuple[str, Counter[str]]:
        async with serving() as server:
            resolver = resolver_of(server)
            resolver.timeout = 0.1
            server.flaky = 2
            found = (await resolver.resolve("host-9.test", "A"))[0].address
            heard = server.questions.copy()
            with pytest.raises(dns.resolver.LifetimeTimeout, match="127.0.0.1"):
                await resolver.resolve("lost.test", "A", lifetime=0.3)
            question = dns.message.make_query("lost.test", "A")
            for ask in dns.asyncquery.udp, dns.asyncquery.tcp:
                with pytest.raises(dns.exception.Timeout):
                    await ask(question, "127.0.0.1", 0.1, server.port)
            forged = dns.message.make_query("forged.test", "A")
            with pytest.raises(dns.query.BadResponse):
                await dns.asyncquery.udp(forged, "127.0.0.1", 5, server.port)
            answer = await dns.asyncquery.udp(forged, "127.0.0.1", 5, server.port, ignore_errors=True)
            assert answer.id == forged.id
            return found, heard

    found, heard = run_cleanly(main())
    assert found == "10.0.0.9"
    assert heard["udp"] >= 3


@library("timeouts, lost and forged datagrams, a server that is gone")
def test_a_server_that_is_gone_gives_way_to_another_and_to_its_successor() -> None:
    async def main() -> list[str]:
        addresses = []
        async with serving() as server:
            resolver = resolver_of(server, "127.0.0.2", "127.0.0.1")  # nobody listens at the first
            resolver.timeout = 0.2
            addresses.append((await resolver.resolve("host-1.test", "A"))[0].address)
            addresses.append((await resolver.resolve("host-2.test", "A", tcp=True))[0].address)
        with pytest.raises(dns.resolver.LifetimeTimeout):
            await resolver.resolve("host-3.test", "A", lifetime=0.3)
        with pytest.raises(ConnectionRefusedError):
            await dns.asyncquery.tcp(dns.message.make_query("host-3.test", "A"), "127.0.0.1", 5, server.port)
        async with serving() as successor:
            resolver.port = successor.port
            addresses.append((await resolver.resolve("host-3.test", "A"))[0].address)
        return addresses

    assert run_cleanly(main()) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


@library("cancellation")
def test_a_question_given_up_leaves_nothing_behind() -> None:
    async def main() -> int:
        async with serving() as server:
            resolver = resolver_of(server)
            tasks = [asyncio.create_task(resolver.resolve("lost.test", "A", tcp=tcp)) for tcp in (False, True) * 20]
            while server.questions.total() < len(tasks):
                await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            return sum(isinstance(error, asyncio.CancelledError) for error in done)

    assert run_cleanly(main()) == 40
