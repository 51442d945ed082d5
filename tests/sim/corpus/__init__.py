"""Published bugs of asyncio and of libraries, each in a program that a user would write.

    python -m tests.sim.corpus                           after how many runs each is found, over 20 seeds, as a table
    python -m tests.sim.corpus condition --seeds 3       explore the faulty version of one
    python -m tests.sim.corpus condition --mended        explore the mended version
    python -m tests.sim.corpus condition --on-asyncio    run it on asyncio's own loop

The times in a program do not aim at its bug: work takes 0.3 s, and a user gives up after 0.5 s. Each runs unchanged on
asyncio's own loop. There, too, it does its work while no step takes long. It fails when a certain step takes some
tenths of a second.
"""
