"""aiosmtplib 5.1.3: a command that is cancelled leaves its reply in the connection, and the next command takes that."""
import asyncio

import aiosmtplib


async def serve(reader, writer):
    """A mail server that takes its time to look for somebody, and knows bob."""
    writer.write(b"220 ready\r\n")
    while line := await reader.readline():
        if line.startswith(b"VRFY"):
            await asyncio.sleep(0.3)
            writer.write(b"250 %s" % line[5:] if b"bob" in line else b"550 nobody of that name\r\n")
        else:
            writer.write(b"250 OK\r\n")


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.ehlo()
        try:
            async with asyncio.timeout(0.1):
                await client.vrfy("bob@example.org")
        except TimeoutError:
            print("no time to wait for bob")
        reply = await client.vrfy("eve@example.org")
        print("is eve there?", reply.code, reply.message)
    server.close()


asyncio.run(main())
