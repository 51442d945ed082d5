"""Snapshots: what all tasks of a process do at one moment, who waits for whom, and who holds what.

`relations`, `holders` and `lines` find out what a task waits for. `copying` copies what will have changed a moment
later, and `snapshots` makes plain data of it. `listing` makes text of that, in the words of `words`; `hangs` says which
waits nothing is going to end, and `dumping` lists all on a signal. Begin with `relations`, then `copying`.
"""
