"""How tasks act on each other: they wait for each other, hand things over, and end together.

This floor stands on the micro-kernel alone. First read how tasks wait in a line (`waiting`) and enter a block
(`blocks`), and what is made of that: `events`, `barriers`, `locks`, `semaphores`. Then read how a stretch of a task's
work is protected from a cancellation (`shields`) or cancelled by itself (`scopes`), and what is made of that:
`timeouts`, `groups`, `conditions`. Last come `queues`, with the `heaps` of a priority queue, and `universal_queues`,
which threads can use too.
"""
