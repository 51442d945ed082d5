"""Real libraries, unmodified, in simulated runs: servers and clients, over the simulated network.

    python -m tests.sim.stacks redis                     one quiet run, client and server on one host
    python -m tests.sim.stacks redis --real              the same program over real sockets, not in simulation
    python -m tests.sim.stacks redis --runs 50           explore it
    python -m tests.sim.stacks redis --runs 50 --hosts   the same, the server on a host of its own
    python -m tests.sim.stacks redis --runs 50 --hosts --faults reset partition

Each stack is a module with two functions. `serving(host, port)` has a server while its block runs, and gives the port.
`use(host, port)` is a client, which asserts what it is answered.
"""
