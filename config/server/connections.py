"""Tells whether the client of a request that has waited is still there. Linux only.

granian gives an application the address of a client, but neither its connection nor the news that it was closed. So
this module asks the kernel about the sockets of this process. The connection of a request that waits for its answer is
open, its last bytes came shortly before the request arrived here, and nothing has been sent on it since. If no
connection from the client's address is like that, the client has left. If there is one, it may be that of another
client behind the same proxy, so the request is run.

A client that closes only its own direction (shutdown) has left, too: granian sends no answer to it.
"""

import os
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass

#: A request that arrived later than this is run without a look at the sockets.
LOOK_AFTER_SECONDS = 0.1
#: A look at the sockets is used for this long, by all requests of the process.
_FRESH_SECONDS = 0.05
#: The longest time between the last bytes of a request and its arrival here, when granian and Python are busy.
_LONGEST_DELAY_SECONDS = 0.25
#: The kernel counts in steps of up to 10 ms.
_STEP_SECONDS = 0.02
#: TLS sends session tickets just after the handshake, which may be after the first request.
_TICKETS_SECONDS = 0.05

# `struct tcp_info` of linux/tcp.h, as far as tcpi_last_data_recv: the state, and the milliseconds since data was sent
# and received.
_TCP_INFO = struct.Struct("=B43xI4xI")
_ESTABLISHED, _LISTEN = 1, 10


@dataclass(frozen=True, slots=True)
class _Connection:
    address: str
    since_sent: float  # seconds
    since_received: float
    #: Moments of time.monotonic() before and after the kernel was asked. Another thread may run between them.
    before: float
    after: float

    def may_be_of(self, address: str, arrived: float) -> bool:
        """Whether a request from `address` that arrived then, and has no answer yet, may have come on it."""
        if self.address != address:
            return False
        is_answered = self.since_sent < self.since_received - _TICKETS_SECONDS
        came_first, came_last = self.before - self.since_received, self.after - self.since_received
        is_in_time = arrived - _LONGEST_DELAY_SECONDS <= came_last and came_first <= arrived + _STEP_SECONDS
        return is_in_time and not is_answered


class Connections:
    """The connections to this process, looked at when a request asks for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[_Connection] = []
        self._looked = float("-inf")
        #: Whether the kernel has told a time. In some sandboxes, all of them are zero.
        self._is_told = False

    def has_left(self, address: str, arrived: float) -> bool:
        """Whether the client at `address` has closed the connection of its request, which arrived at this moment of
        time.monotonic() and has not been answered. No if it cannot be known.
        """
        now = time.monotonic()
        if now - arrived < LOOK_AFTER_SECONDS:
            return False
        with self._lock:
            if now - self._looked > _FRESH_SECONDS:
                self._look()
                self._looked = now
            if not self._is_told:
                return False
            return not any(one.may_be_of(address, arrived) for one in self._open)

    def _look(self) -> None:
        self._open = _connections() if sys.platform == "linux" else []
        self._is_told = self._is_told or any(one.since_sent or one.since_received for one in self._open)


def _connections() -> list[_Connection]:
    """The open connections to the ports on which this process listens."""
    ports, found = set(), []
    for name in os.listdir("/proc/self/fd"):
        try:
            # It belongs to granian, so it is not closed here.
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=int(name))
        except OSError:  # no socket, or closed since
            continue
        before = time.monotonic()
        try:
            state, sent_ms, received_ms = _TCP_INFO.unpack(
                tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
            )
            port = tcp.getsockname()[1]
            if state == _LISTEN:
                ports.add(port)
            elif state == _ESTABLISHED:
                address = tcp.getpeername()[0]
                found.append((port, _Connection(address, sent_ms / 1000, received_ms / 1000, before, time.monotonic())))
        except (OSError, struct.error):  # not TCP, or its client has left at this moment
            continue
        finally:
            tcp.detach()
    return [connection for port, connection in found if port in ports]
