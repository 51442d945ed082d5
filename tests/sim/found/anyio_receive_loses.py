"""anyio 4.16.0: receive() loses an item when asyncio's own cancellation comes between the hand-over and the next step."""
import asyncio

import anyio


async def main():
    send, receive = anyio.create_memory_object_stream(10)

    async def consume():
        try:
            async with asyncio.timeout(10):
                print("received:", await receive.receive())
        except TimeoutError:
            pass

    async with send, receive:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.1)
        send.send_nowait("item")
        task.cancel()
        await asyncio.wait([task])
        print("left in the stream:", receive.statistics().current_buffer_used, "items (1 was sent, none was received)")


asyncio.run(main())
