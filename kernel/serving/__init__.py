"""Serving: a process lets the tools of its user look into it, by a Unix socket.

`service` has the socket and the thread that serves it, `places` the directory that only the user can enter,
`connection` a tool that has connected, and `answers` what it is answered.
"""
