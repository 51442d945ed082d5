"""Paid twice: a host crashes between a payment and the receipt for it, so the client asks again.

    PYTHONPATH=. python3 examples/movies/paid_twice.py

The bank and its client are hosts of a simulated world. The bank writes each payment to its disk before it sends the
receipt. It crashes in between, and its power is gone: its tasks stop where they are, and nobody tells the client. The
client waits until its time limit. It cannot know whether the bank has paid. It asks again when the bank is up again, and
so the bank pays again.
"""

import kernel
from kernel import Stream, open_connection, serve, sleep, spawn, timeout
from kernel.sim import world

PORT = 7777


async def pay(client: Stream) -> None:
    order = await client.read(100)
    disk = world.here().disk
    disk.append("payments", order)
    disk.sync("payments")
    await sleep(0.1)  # until the receipt is printed
    await client.write_all(b"paid")


async def bank() -> None:
    async with await serve(pay, "0.0.0.0", PORT) as server:
        await server.wait()


async def power_cut() -> None:
    host = world.host("bank")
    await sleep(0.15)
    host.crash(power=True)
    await sleep(0.4)
    host.restart()


async def order() -> bytes:
    async with timeout(0.3), await open_connection(world.host("bank").address, PORT) as connection:
        await connection.write_all(b"10 to Bob;")
        return await connection.read(100)


async def main() -> None:
    host = world.host("bank")
    host.run(bank)
    world.link("main", "bank", latency=0.02)
    await spawn(power_cut())
    await sleep(0.05)
    receipt = b""
    while not receipt:
        try:
            receipt = await order()
        except TimeoutError:
            await sleep(0.3)
    print(receipt.decode(), "-", host.disk.read("payments").decode())


if __name__ == "__main__":
    kernel.simulate(main)
