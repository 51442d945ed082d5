"""Random programs for the kernel and for the facade, and what is to be true of each.

    make fuzz SECONDS=600                       both fuzzers, side by side
    python -m tests.fuzz asyncio --seed 7       one program: on asyncio's loop and on compat's, compared
    python -m tests.fuzz native --seconds 30    programs on the native kernel, judged by invariants

A program is data (`program.py`), made at random out of the statements of a vocabulary (`asyncio_vocabulary.py`,
`native_vocabulary.py`). It is written out as Python source (`source.py`), which is run, and shown when it fails.
A program that fails is first made as small as possible (`shrink.py`). Programs run in processes of their own
(`isolation.py`), so that one that hangs or crashes does no harm.
"""
