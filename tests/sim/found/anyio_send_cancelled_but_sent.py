"""anyio 4.16.0: send() raises a cancellation although its item was received; who sends again sends twice."""
import anyio


async def main():
    send, receive = anyio.create_memory_object_stream(0)
    got = []

    async def produce(scope_of):
        while True:
            with anyio.move_on_after(1) as scope:
                scope_of.append(scope)
                await send.send("item")
                return
            print("send() was cancelled, so the item is sent again")

    async with send, receive, anyio.create_task_group() as group:
        scopes = []
        group.start_soon(produce, scopes)
        await anyio.sleep(0.1)
        scopes[0].cancel()  # the producer gives up; and before its task runs,
        got.append(receive.receive_nowait())  # a consumer comes
        await anyio.sleep(0.1)
        with anyio.move_on_after(0.1):
            got.append(await receive.receive())
    print("received:", got)


anyio.run(main)
