"""Random programs for the kernel and for the facade, and what is to be true of each.

    make fuzz SECONDS=600                       both fuzzers, side by side
    python -m tests.fuzz asyncio --seed 7       one program: on asyncio's loop and on compat's, compared
    python -m tests.fuzz native --seconds 30    programs on the native kernel, judged by invariants

A program is data (`program.py`), made at random out of the statements of a vocabulary (`asyncio_vocabulary.py`,
`native_vocabulary.py`), and written out as Python source (`source.py`), which is both what is run and what a failure shows.
A program that fails is first made as small as possible (`shrink.py`). Each runs in a process of its own (`isolation.py`).
"""
