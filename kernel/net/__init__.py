"""Connections: streams of bytes, TLS, servers, datagrams."""
