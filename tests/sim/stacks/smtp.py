"""aiosmtplib's client with aiosmtpd's server: several mails on a connection, STARTTLS, a recipient that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import aiosmtplib
from aiosmtpd.smtp import SMTP

from tests.support.tls import client_context, server_context

arrived: list[str] = []


class Postman:
    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody@"):
            return "550 nobody is here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(0.05)
        arrived.append(envelope.content.decode().rstrip().rpartition("\r\n")[2])
        return "250 OK"


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    arrived.clear()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Postman(), hostname="localhost", tls_context=server_context()), host, port)
    async with server:
        yield server.sockets[0].getsockname()[1]


def mail(receiver: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", receiver, "greetings"
    message.set_content(text)
    return message


async def use(host: str, port: int) -> None:
    async with aiosmtplib.SMTP(hostname=host, port=port, timeout=60, start_tls=False) as client:
        for text in "one", "two":
            await client.send_message(mail("bob@example.org", text))
        try:
            await client.send_message(mail("nobody@example.org", "three"))
            raise AssertionError("a mail was taken for nobody")
        except aiosmtplib.SMTPRecipientsRefused:
            pass
    async with aiosmtplib.SMTP(hostname=host, port=port, timeout=60, start_tls=False) as client:
        await client.starttls(server_hostname="localhost", tls_context=client_context())
        await client.send_message(mail("bob@example.org", "four"))
    await asyncio.sleep(1)  # the client does not wait for the end of TLS
    assert arrived == ["one", "two", "four"], arrived
