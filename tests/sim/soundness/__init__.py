"""Random programs whose result cannot depend on the schedule, for the kernel and for asyncio.

An exploration of such a program must not report anything. A program is made as those of `tests/fuzz` are, out of the
statements of `statements.py`. These use the things of a world, native or asyncio's (`worlds.py`), which checks at once
that two tasks are never inside of one lock, and so on. `programs.py` makes the program of a seed, and counts how many
statements it has to carry out in every schedule.
"""
