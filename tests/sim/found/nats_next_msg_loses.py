"""nats-py 2.16.0: next_msg() loses a message when it is cancelled between the arrival of that and its own next step."""
import asyncio

import nats


async def serve(reader, writer):
    """A NATS server that sends each message back to the one subscription."""
    writer.write(b'INFO {"server_id": "x", "version": "2.10.0", "headers": true, "max_payload": 1000}\r\n')
    while line := await reader.readline():
        match line.split():
            case [b"PING"]:
                writer.write(b"PONG\r\n")
            case [b"PUB", subject, length]:
                writer.write(b"MSG %s 1 %s\r\n%s" % (subject, length, await reader.readline()))


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = await nats.connect("nats://127.0.0.1:%d" % server.sockets[0].getsockname()[1])
    subscription = await client.subscribe("news")
    task = asyncio.create_task(subscription.next_msg(timeout=10))
    await asyncio.sleep(0.1)
    await client.publish("news", b"hello")
    while not client.stats["in_msgs"]:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    print("came:", client.stats["in_msgs"], "received:", int(not task.cancelled()), "left:", subscription.pending_msgs)
    await client.close()
    server.close()


asyncio.run(main())
