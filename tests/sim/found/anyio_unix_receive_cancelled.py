"""anyio 4.16.0: cancelling receive() on a Unix socket, when something has just come, makes an InvalidStateError."""
import asyncio
import socket

from anyio.abc import UNIXSocketStream


async def main():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: print("told:", repr(context["exception"])))
    ours, theirs = socket.socketpair()
    async with await UNIXSocketStream.from_socket(ours) as stream:
        task = asyncio.create_task(stream.receive())
        await asyncio.sleep(0.1)
        theirs.send(b"x")
        await asyncio.sleep(0)  # the loop is about to see it
        task.cancel()
        await asyncio.wait([task])
    theirs.close()


asyncio.run(main())
