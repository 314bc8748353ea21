"""Sets how long the kernel keeps a connection whose client does not read or has disappeared. Linux only.

granian opens the listening socket itself, in each worker process, and has no setting for this. Connections inherit the
option from it.
"""

import os
import socket
import sys
import threading
import time

WRITE_SECONDS = 30.0
_TICK_SECONDS = 0.1


def end_unread_connections(seconds: float) -> None:
    """Sets the option as soon as this process listens. TCP_USER_TIMEOUT (RFC 5482) also ends connections with a closed
    window.
    """
    if sys.platform == "linux":
        threading.Thread(target=_wait_and_set, args=[seconds], name="listener", daemon=True).start()


def _wait_and_set(seconds: float) -> None:
    while not _set(seconds):
        time.sleep(_TICK_SECONDS)


def _set(seconds: float) -> bool:
    """Returns whether there was a listening socket."""
    found = False
    for name in os.listdir("/proc/self/fd"):
        try:
            descriptor = os.dup(int(name))
        except OSError:  # closed since
            continue
        try:
            listening = socket.socket(fileno=descriptor)
        except OSError:  # no socket
            os.close(descriptor)
            continue
        with listening:
            is_tcp = listening.family in (socket.AF_INET, socket.AF_INET6) and listening.type == socket.SOCK_STREAM
            if is_tcp and listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
                found = True
    return found
