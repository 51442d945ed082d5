"""aiosmtpd and aiosmtplib: mail between them, on one loop, and to a server that is killed."""

from __future__ import annotations

import asyncio
import random
import smtplib
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import pytest

import compat
from tests.ecosystem.clean_run import STOCK, run_cleanly
from tests.ecosystem.servers import Server, free_port, served

pytest.importorskip("aiosmtpd")
pytest.importorskip("aiosmtplib")
import aiosmtplib  # noqa: E402
from aiosmtpd.controller import Controller  # noqa: E402
from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402

from tests.support.paths import ROOT
from tests.support.tls import client_context, server_context

SENDERS = 30

Test = TypeVar("Test", bound=Callable[..., None])


def library(exercised: str) -> Callable[[Test], Test]:
    """Marks a test as being about both."""
    return lambda test: pytest.mark.library("aiosmtpd", exercised)(pytest.mark.library("aiosmtplib", exercised)(test))


class Mailbox:
    """The server's handler: keeps what arrives, and refuses who is called nobody."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.encrypted: list[bool] = []
        self.users: list[str | None] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(0)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        self.encrypted.append(session.ssl is not None)
        self.users.append(session.auth_data)
        return "250 kept"


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[int, Mailbox]]:
    """The port of a server, and its mailbox."""
    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="mail.test", loop=loop, **options), "127.0.0.1", 0,
                                      backlog=SENDERS)
    try:
        yield server.sockets[0].getsockname()[1], box
    finally:
        server.close()
        await server.wait_closed()


def client_of(port: int, **options: Any) -> Any:
    return aiosmtplib.SMTP(**{"hostname": "localhost", "port": port, "local_hostname": "client.test",
                              "start_tls": False, "timeout": 20, **options})


def mail(subject: str, text: str = "text\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alice@test", "bob@test", subject
    message.set_content(text)
    return message


@library("mail: attachments, several on one connection, refused recipients")
def test_mails_arrive_as_they_were_sent_several_on_one_connection() -> None:
    attachment = random.Random(3).randbytes(300_000)
    letter = mail("l\u00e4sst gr\u00fc\u00dfen", "a line\n.\n..dots\n" + "long " * 1000 + "\n")
    letter.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="noise.bin")

    async def main() -> Mailbox:
        async with serving() as (port, box):
            async with client_of(port) as client:
                errors, answer = await client.send_message(letter)
                assert (errors, answer) == ({}, "kept")
                for number in range(10):
                    await client.send_message(mail(f"number {number}"))
                refused, _ = await client.sendmail("alice@test", ["nobody@test", "bob@test"], b"Subject: half\r\n\r\n")
                assert refused == {"nobody@test": (550, "no such mailbox")}
                with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                    await client.sendmail("alice@test", ["nobody@test"], b"Subject: none\r\n\r\n")
                assert (await client.execute_command(b"JUMP")).code == 500
            return box

    box = run_cleanly(main())
    assert len(box.mails) == 12
    arrived = message_from_bytes(box.mails[0][2], policy=policy.default)
    assert arrived["Subject"] == letter["Subject"]
    body, enclosed = arrived.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == "a line\n.\n..dots\n" + "long " * 1000 + "\n"
    assert enclosed.get_content() == attachment
    assert [b"Subject: number %d\r\n" % number in box.mails[1 + number][2] for number in range(10)] == [True] * 10
    assert box.mails[11][:2] == ("alice@test", ["bob@test"])


@library("STARTTLS, TLS from the start, and authentication")
@pytest.mark.parametrize("from_the_start", [False, True])
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_mail_over_tls_from_a_user_who_has_logged_in(from_the_start: bool) -> None:
    context, trusting = server_context(), client_context()
    noise = random.Random(4).randbytes(200_000).hex()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if data.login == b"alice" and data.password == b"secret":
            return AuthResult(success=True, auth_data="alice")
        return AuthResult(success=False, handled=False)

    @asynccontextmanager
    async def secure() -> AsyncIterator[tuple[int, Mailbox]]:
        if not from_the_start:
            async with serving(tls_context=context, require_starttls=True, authenticator=check,
                               auth_required=True) as found:
                yield found
            return
        box, loop = Mailbox(), asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(box, hostname="mail.test", loop=loop, authenticator=check,
                                                       auth_required=True, auth_require_tls=False),
                                          "127.0.0.1", 0, ssl=context)
        yield server.sockets[0].getsockname()[1], box
        server.close()
        await server.wait_closed()

    async def main() -> Mailbox:
        async with secure() as (port, box):
            way = {"use_tls": True} if from_the_start else {"start_tls": True}
            with pytest.raises((aiosmtplib.SMTPException, ssl.SSLError), match="certificate verify failed"):
                await client_of(port, tls_context=ssl.create_default_context(), **way).connect()
            async with client_of(port, tls_context=trusting, **way) as client:
                with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                    await client.login("alice", "guess")
                await client.login("alice", "secret")
                for number in range(3):
                    await client.send_message(mail(f"number {number}", noise))
            if not from_the_start:
                async with client_of(port) as client:
                    with pytest.raises(aiosmtplib.SMTPSenderRefused, match="STARTTLS"):
                        await client.send_message(mail("in the clear"))
            return box

    box = run_cleanly(main())
    assert box.users == ["alice"] * 3
    assert box.encrypted == [not from_the_start] * 3  # the handler is told of STARTTLS only
    assert all(noise[:70].encode() in content for _, _, content in box.mails)


@library("30 senders at a time")
def test_thirty_senders_at_a_time() -> None:
    async def main() -> Mailbox:
        async with serving() as (port, box):
            async def send(number: int) -> None:
                async with client_of(port) as client:
                    for turn in range(5):
                        await client.send_message(mail(f"{number}:{turn}"))

            await asyncio.gather(*(send(number) for number in range(SENDERS)))
            return box

    subjects = [message_from_bytes(content)["Subject"] for _, _, content in run_cleanly(main()).mails]
    assert sorted(subjects) == sorted(f"{number}:{turn}" for number in range(SENDERS) for turn in range(5))


@library("errors: too large a mail, a mute server, a server that is killed")
def test_too_large_a_mail_is_refused_and_the_connection_goes_on() -> None:
    async def main() -> tuple[list[int], Mailbox]:
        codes = []
        async with serving(data_size_limit=10_000) as (port, box), client_of(port) as client:
            with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:  # by the size that MAIL FROM tells
                await client.send_message(mail("announced", "x" * 20_000))
            codes.append(refused.value.code)
            await client.mail("alice@test")
            await client.rcpt("bob@test")
            with pytest.raises(aiosmtplib.SMTPDataError) as cut:
                await client.data(b"Subject: not announced\r\n\r\n" + b"x" * 70 + b"\r\n" * 20_000)
            codes.append(cut.value.code)
            await client.send_message(mail("small"))
            return codes, box

    codes, box = run_cleanly(main())
    assert codes == [552, 552]
    assert [message_from_bytes(content)["Subject"] for _, _, content in box.mails] == ["small"]


@library("errors: too large a mail, a mute server, a server that is killed")
def test_a_server_that_does_not_greet_is_a_timeout() -> None:
    async def main(port: int) -> None:
        with pytest.raises(aiosmtplib.SMTPTimeoutError):
            await client_of(port, hostname="127.0.0.1", timeout=0.1).connect()

    with socket.create_server(("127.0.0.1", 0)) as mute:
        run_cleanly(main(mute.getsockname()[1]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-u", "-m", "compat", "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}",
               "-c", "aiosmtpd.handlers.Debugging", "stdout"]
    with served(command, port, tmp_path / "log", cwd=ROOT) as process:
        yield process


@library("errors: too large a mail, a mute server, a server that is killed")
def test_a_killed_server_is_a_clear_error_and_a_client_can_connect_again(server: Server) -> None:
    async def main() -> None:
        client = client_of(server.port)
        await client.connect()
        await client.send_message(mail("before"))
        await asyncio.to_thread(server.kill)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.send_message(mail("lost"))
        assert not client.is_connected
        with pytest.raises(aiosmtplib.SMTPConnectError, match="[Cc]onnect"):
            await client.connect()
        await asyncio.to_thread(server.start)
        async with client:
            await client.send_message(mail("after"))

    run_cleanly(main())
    log = server.log.read_text()
    assert [subject in log for subject in ("Subject: before", "Subject: lost", "Subject: after")] == [True, False, True]


@library("a server's loop in a thread of its own")
def test_a_controller_s_thread_serves_the_blocking_smtplib() -> None:
    box = Mailbox()
    loop = asyncio.new_event_loop() if STOCK else compat.new_event_loop()
    controller = Controller(box, loop=loop, hostname="127.0.0.1", port=free_port(), server_hostname="mail.test")
    controller.start()
    try:
        with smtplib.SMTP("127.0.0.1", controller.port, local_hostname="client.test", timeout=20) as client:
            for number in range(3):
                client.send_message(mail(f"number {number}"))
    finally:
        controller.stop()
    assert [message_from_bytes(content)["Subject"] for _, _, content in box.mails] == ["number 0", "number 1",
                                                                                       "number 2"]
    assert loop.is_closed()
