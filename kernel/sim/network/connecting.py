"""An attempt to connect: a stream socket asks another host, and again after a while, until there is an answer."""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

from .flows import join
from .hosts import Host
from .packets import Packet
from .wires import LONG

if TYPE_CHECKING:
    from .streams import StreamEndpoint

AGAIN = 1.0  # seconds until a system asks again to be connected; the next time twice as long


class Attempt:
    """What `endpoint` tries, as long as it is its `attempt`."""

    def __init__(self, endpoint: StreamEndpoint, target: Host, host: str, port: int) -> None:
        self._endpoint = endpoint
        self._target = target
        self._address = host, port
        self._arrived = False  # and is answered
        self.label = f"the wish of {endpoint.life.host.name} to connect to {target.name}:{port}"

    def ask(self, again: float = AGAIN) -> None:
        """Send the wish to be connected. Without an answer it is sent again after so many seconds."""
        end = self._endpoint
        if end.attempt is not self:
            return
        if again > LONG:
            return self._answered(None, errno.ETIMEDOUT)
        end.network.send(Packet(end.life, self._target.life, self, self._arrive,
                                partial(self._answered, None, errno.ECONNRESET)))
        if end.attempt is self:
            end.network.at(end.network.world.clock.time + again, partial(self.ask, again * 2),
                           f"another {self.label[4:]}")

    def _arrive(self) -> None:
        """The target makes its end of the connection, or refuses it. While its backlog is full, it does neither."""
        end, life = self._endpoint, self._target.life
        if end.attempt is not self or self._arrived or life.dead and life.silent:
            return
        listener: StreamEndpoint | None = None if life.dead else end.at_port(self._target, *self._address)
        child: StreamEndpoint | None = None
        if listener is not None:
            if len(listener.pending) > listener.backlog:
                return
            child = listener.make_child(end)
        elif end.life is life and end.local[:2] == self._address:
            child = end  # it has met itself
            join(end, end)
        self._arrived = True
        answer = partial(self._answered, child, 0 if child is not None else errno.ECONNREFUSED)
        end.network.answer(Packet(life, end.life, f"the answer of {self._target.name}", answer,
                                  form="" if child is not None else "a refusal:"))
        if listener is not None and child is not None:
            listener.pending.append(child)
            listener.changed()

    def _answered(self, child: StreamEndpoint | None, error: int) -> None:
        end = self._endpoint
        if end.attempt is not self:
            if child is not None:
                child.reset()
            return
        end.attempt = None
        if child is None:
            end.fail(error)
            end.remote = None
        else:
            end.state = "connected"
        end.changed()
