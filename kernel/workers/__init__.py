"""Ordinary blocking functions, which run in threads and in other processes while the kernel goes on.

This floor stands on `sync`, of which it uses the shielded sections. Read `jobs` first: a function that runs elsewhere,
and the task that waits for it. Then `threads` and `processes`, the two places where a job can run, and `questions`,
the way in which a function in a thread has its kernel call something.
"""
