"""Addresses of sockets: how hosts and ports are checked, looked up in a thread, and shown in messages."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, NamedTuple, Union

from .endpoints import locate

Host = Union[str, None]


class Address(NamedTuple):
    """An address that a socket can be connected or bound to."""

    family: int
    address: Any


def check_address(host: Any, port: Any, function: str) -> None:
    """Raise the `TypeError` or `ValueError` that says what is wrong with a host and a port, if anything is.

    The system itself would accept a port over 65535: it would take 65616 for 80.
    """
    if host is not None and not isinstance(host, str):
        raise TypeError(f"{function}() takes the name of a host, its IP address, or None, not {host!r}")
    if not isinstance(port, int):
        raise TypeError(f"{function}() takes the number of a port, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"{function}() takes a port from 0 to 65535, not {port}")


def check_local_address(address: Any, function: str) -> None:
    """As `check_address`, for a `local_address`: a host and a port in a tuple or a list."""
    if not isinstance(address, (tuple, list)) or len(address) != 2:
        raise TypeError(f"{function}() takes a host and a port as its local_address, not {address!r}")
    host, port = address
    check_address(host, port, function)


def is_numeric(host: str) -> bool:
    """Whether `host` is an IP address, which nobody has to look up."""
    for family in socket.AF_INET, socket.AF_INET6:
        with suppress(OSError, ValueError):
            socket.inet_pton(family, host.partition("%")[0])
            return True
    return False


def look_up(host: Host, port: int, kind: int, flags: int) -> list[tuple[Any, ...]]:
    """Ask the system for the addresses of `host`; this blocks the thread."""
    return list(socket.getaddrinfo(host, port, type=kind, flags=flags))


async def resolve(host: Host, port: int, kind: int = socket.SOCK_STREAM, passive: bool = False) -> list[Address]:
    """The addresses of `host`, in the system's order of preference. A thread looks up a name.

    None as `host` means every interface when `passive` is true, else this machine. Raises `OSError`, most often
    `socket.gaierror`, with the host and the port in its message. Cancellation ends the wait at once.
    """
    flags = socket.AI_PASSIVE if passive else 0
    try:
        if host is None or is_numeric(host):
            found = look_up(host, port, kind, flags)
        else:
            # Here, to save start-up time: it imports `logging`, by way of `concurrent.futures`, and many programs know
            # only numeric addresses.
            from ..workers.threads import RunInThread
            found = await RunInThread(look_up, (host, port, kind, flags), True, "names")
    except OSError as error:
        raise locate(error, f"looking up {show_address((host, port))}")
    except UnicodeError as error:  # a part of the name, between two dots, is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, f"{error} (looking up {show_address((host, port))})") from None
    except RuntimeError as error:  # the system gives no thread for the look-up
        if type(error) is not RuntimeError:  # it comes from the look-up: a simulation refuses it
            raise
        raise socket.gaierror(socket.EAI_AGAIN, f"{error} (looking up {show_address((host, port))})") from None
    return list(dict.fromkeys(Address(family, address) for family, _, _, _, address in found))


def show_address(address: Any) -> str:
    """A socket address as people write it: "127.0.0.1:80", "[::1]:80", "/run/some.socket", "@abstract"."""
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    path = address.decode(errors="replace") if isinstance(address, bytes) else str(address)
    return path.replace("\0", "@", 1) if path.startswith("\0") else path or "an unnamed socket"
