"""The console command `trampoline`, with programs of both kinds: the kernel's shell, and how it starts asyncio programs.

The kernel knows nothing of asyncio, so its shell is told here. Where this project is installed, this folder is the
package `trampoline_console`: a command that looks into a process imports neither `compat` nor asyncio.
"""

from __future__ import annotations

from kernel.shell.command import main as shell


def main() -> int:
    """What the console command does; its exit status."""
    return shell({"asyncio": run_asyncio})


def run_asyncio(arguments: list[str], command: str) -> int:
    """`trampoline asyncio`: what `python -m compat` does."""
    from compat.__main__ import main as run  # here, to save start-up time: most commands start no such program
    run(arguments, command)
    return 0
