"""Connections: streams of bytes over sockets and pipes, TLS, servers, and datagrams.

This floor stands on `workers`, whose threads look up the names of hosts. Read `endpoints` first: how a task waits for a
descriptor. Then a stream from below to above: `channels`, `streams` with its operations in `reading` and `writing`, and
`tls`. Then how streams come about: `addresses`, `connecting`, `serving`. `datagrams` needs only `endpoints` and
`addresses`.
"""
