"""Finds out whether the client of a waiting request is still connected. Linux only.

granian tells an application the address of a client, but not which connection it uses or whether that was closed. So
this module asks the kernel about the sockets of this process. The connection of a request that waits for its answer is
open, and the server has sent nothing on it since the last bytes arrived. A client has left if both of these are true:

- From its address, more requests wait for answers than such connections are open. While all clients of an address are
  connected, none is refused, however late their requests arrived here, even if one sends several requests at once.
- No such connection received its last bytes shortly before the request arrived here. Otherwise that connection may
  belong to the client of this request, so the request is run.

A client that closes only its own direction (shutdown) has left, too: granian sends no answer to it.
"""

import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

#: A request that has waited for less than this is run without a check of the sockets.
LOOK_AFTER_SECONDS = 0.1
#: A look at the sockets is used for this long, by all requests of the process.
_FRESH_SECONDS = 0.05
#: The longest time between the last bytes of a request and its arrival here while granian and Python are busy.
_LONGEST_DELAY_SECONDS = 1.0
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
    #: Values of time.monotonic() before and after the call of the kernel. Another thread may run between them.
    before: float
    after: float

    def may_wait(self, requests: "Iterable[Request]") -> bool:
        """Whether one of the requests may have arrived on this connection."""
        if self.since_sent >= self.since_received - _TICKETS_SECONDS:
            return True
        # If bytes were sent after the last ones arrived, the sent bytes are an answer. Still, a request may have
        # arrived together with the last bytes: behind another request (pipelining), or before late session tickets.
        # Such a request arrived just after an answer was sent.
        return any(self._is_in_time(self.since_sent, request.arrived) for request in requests)

    def may_be_of(self, request: "Request") -> bool:
        """Whether the last bytes of the connection arrived at the same time as the request. In some sandboxes, all
        times are zero.
        """
        is_told = self.since_sent or self.since_received
        return not is_told or self._is_in_time(self.since_received, request.arrived)

    def _is_in_time(self, since: float, arrived: float) -> bool:
        first, last = self.before - since, self.after - since
        return arrived - _LONGEST_DELAY_SECONDS <= last and first <= arrived + _STEP_SECONDS


class Request:
    """A request that is not answered yet."""

    __slots__ = ("_connections", "address", "arrived", "is_sending")

    def __init__(self, connections: "Connections", address: str) -> None:
        self._connections, self.address = connections, _comparable(address)
        self.arrived = time.monotonic()
        #: Whether its answer may have begun.
        self.is_sending: Callable[[], bool] = _never

    def has_left(self) -> bool:
        """Whether the client has closed its connection. False if this cannot be known."""
        return self._connections.has_left(self)


class Connections:
    """The connections to this process, read from the kernel when a request needs them (a “look”)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: set[Request] = set()
        #: At the last look, by address: the unanswered requests, and the connections on which they may wait.
        self._unanswered: dict[str, list[Request]] = {}
        #: None if the kernel does not list the connections.
        self._open: dict[str, list[_Connection]] | None = None
        self._looked = float("-inf")

    @contextmanager
    def request(self, address: str) -> Iterator[Request]:
        """Context manager: inside it, a request from `address`, which has just arrived, waits for its answer."""
        request = Request(self, address)
        self._requests.add(request)
        try:
            yield request
        finally:
            self._requests.discard(request)

    def has_left(self, request: Request) -> bool:
        now = time.monotonic()
        if now - request.arrived < LOOK_AFTER_SECONDS:
            return False
        with self._lock:
            if now - self._looked > _FRESH_SECONDS:
                self._look()
                self._looked = now
            if self._open is None:
                return False
            waiting = self._open.get(request.address, [])
            if len(waiting) >= len(self._unanswered.get(request.address, [])):
                return False
            return not any(one.may_be_of(request) for one in waiting)

    def _look(self) -> None:
        before = self._without_answer()
        found = _connections() if sys.platform == "linux" else None
        self._unanswered = _by_address(before & self._without_answer())
        if found is None:
            self._open = None
        else:
            self._open = _by_address(one for one in found if one.may_wait(self._unanswered.get(one.address, [])))

    def _without_answer(self) -> set[Request]:
        return {request for request in self._requests.copy() if not request.is_sending()}


_Of = TypeVar("_Of", _Connection, Request)


def _never() -> bool:
    return False


def _by_address(every: Iterable[_Of]) -> dict[str, list[_Of]]:
    found: dict[str, list[_Of]] = {}
    for one in every:
        found.setdefault(one.address, []).append(one)
    return found


def _comparable(address: str) -> str:
    """The address without the prefix of an IPv4-mapped address, and without the interface of a link-local one."""
    return address.removeprefix("::ffff:").partition("%")[0]


def _connections() -> list[_Connection] | None:
    """The open connections to the ports on which this process listens. None if the kernel lists no such port."""
    ports, found = set(), []
    for name in os.listdir("/proc/self/fd"):
        try:
            # The descriptor belongs to granian, so it is not closed here. The buffer must have space for an IPv6
            # address.
            tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 0, fileno=int(name))
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
                address = _comparable(tcp.getpeername()[0])
                found.append((port, _Connection(address, sent_ms / 1000, received_ms / 1000, before, time.monotonic())))
        except (OSError, struct.error):  # not TCP, or its client has left at this moment
            continue
        finally:
            tcp.detach()
    return [connection for port, connection in found if port in ports] if ports else None
