"""Small servers for programs that are simulated: as much of each protocol as the real clients need for their work.

They are made of asyncio's streams, so they run on any loop, over real sockets and over simulated ones. A simulated
program cannot reach a real server, since that is another process.
"""
