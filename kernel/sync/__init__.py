"""Tasks that act on each other: scopes, locks and events, queues."""
