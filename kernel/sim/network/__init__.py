"""A simulated network, below the descriptors: sockets, hosts and links for the programs of a simulated run.

Inside of a run `socket.socket` is a class of this package, and the run's poller knows which of its sockets are ready.
So whatever is written on sockets runs unmodified: streams, transports, servers, TLS, native or asyncio's. Read
`wires.py` first (how packets travel), then `endpoints.py`, `streams.py` and `datagrams.py` (what a descriptor stands
for), `sockets.py` (what a program sees of it) and `hosts.py`.
"""
