"""What the operating system offers besides sockets: files, sub-processes, signals.

This floor stands on `net`, whose streams are the pipes of a process, and on `workers`, whose threads do the work of a
file. The three files are independent of each other. Read `files` first, then `processes` and `signals`.
"""
