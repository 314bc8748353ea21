"""Whether a TCP port can be listened on. Without Django, so that manage.py may ask before the settings load."""

import errno
import socket


def is_free(port: int, *hosts: str) -> bool:
    """Whether nobody listens on `port` at any of these addresses.

    Asked before granian starts: granians share a port (SO_REUSEPORT), so a second one would start in silence
    and take every other request.
    """
    return all(_can_bind(host, port) for host in hosts)


def _can_bind(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
            probe.bind((host, port))
    except OSError as error:
        # A machine without IPv6 has nobody listening at ::1 either.
        return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True
