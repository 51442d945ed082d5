"""The leak table: what each operation of the library leaves behind, next to the same of asyncio.

    python -m tests.leaks [PATTERN ...]

An operation is run many times with the garbage collector off. It may leave nothing that only the collector could free,
nothing that is kept, and the process must stop growing.
"""
