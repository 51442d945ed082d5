"""What exploring has found in current releases of libraries: scripts that show it on asyncio's own loop, in few steps.

Each names the release in which it was seen, in 2026. They force the order that exploring has found, by a cancellation
between two steps, or by a step that takes long.
"""
