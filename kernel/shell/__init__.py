"""The shell: what a person types. It starts programs, and shows what running ones do.

`programs` runs a file's `main`. `options` has the options that say how a program is to be watched, `starting` and
`tracing` do what they say. `command` is the console command `trampoline`, which asks a running process by `client`. On
Python 3.14 and later `injecting` reaches a process that was not prepared.
"""
