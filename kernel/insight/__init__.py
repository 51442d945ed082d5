"""Insight: a program or its author sees what a kernel does. The floors below work the same without this one.

`observer` reports the steps, requests, waits and wakes of a kernel's tasks to an object of the program. `tracebacks`
takes the library's own frames out of an exception before it is shown. The two are independent of each other; begin with
`observer`.
"""
