"""dnspython's questions by UDP, which may be lost, and by TCP where an answer is too long; and its resolver."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dns.asyncquery
import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from ..servers.serving import serving as serving_streams


def answer(data: bytes, by_tcp: bool) -> bytes:
    question = dns.message.from_wire(data)
    message = dns.message.make_response(question)
    name = question.question[0].name
    if name.labels[0] == b"nobody":
        message.set_rcode(dns.rcode.NXDOMAIN)
    elif name.labels[0] == b"long" and not by_tcp:
        message.flags |= dns.flags.TC
    else:
        message.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.7"))
    wire: bytes = message.to_wire()
    return wire


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, sender: Any) -> None:
        self.transport.sendto(answer(data, by_tcp=False), sender)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        length, = struct.unpack("!H", await reader.readexactly(2))
        wire = answer(await reader.readexactly(length), by_tcp=True)
        writer.write(struct.pack("!H", len(wire)) + wire)


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    async with serving_streams(talk, host, port) as port:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, local_addr=(host, port))
        try:
            yield port
        finally:
            transport.close()


async def use(host: str, port: int) -> None:
    address = (await asyncio.get_running_loop().getaddrinfo(host, port))[0][4][0]
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], port
    resolver.timeout, resolver.lifetime = 60.0, 600.0
    answers = await asyncio.gather(*(resolver.resolve(f"host{number}.example.", "A") for number in range(5)))
    assert [answer[0].address for answer in answers] == ["192.0.2.7"] * 5
    assert (await resolver.resolve("long.example.", "A"))[0].address == "192.0.2.7"
    try:
        await resolver.resolve("nobody.example.", "A")
        raise AssertionError("nobody was found")
    except dns.asyncresolver.NXDOMAIN:
        pass
    question = dns.message.make_query("one.example.", "A")
    assert (await dns.asyncquery.tcp(question, address, port=port, timeout=60)).rcode() == dns.rcode.NOERROR
