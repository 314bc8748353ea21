"""Whether a TCP port is free. Without Django, so that manage.py can use it before the settings load."""

import errno
import ipaddress
import socket


def is_free(port: int, *hosts: str) -> bool:
    """Whether no process listens on `port` at any of these addresses.

    Checked before granian starts, because granian shares its port (SO_REUSEPORT): a second server would start without
    an error and take every other request.
    """
    return all(_can_bind(host, port) for host in hosts)


def can_listen_at(host: str) -> bool:
    """Whether this machine has the address, in a form that granian accepts: not a name."""
    try:
        with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
            ipaddress.ip_address(host)
            probe.bind((host, 0))
    except (OSError, ValueError):
        return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _can_bind(host: str, port: int) -> bool:
    try:
        with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT counts as free
            probe.bind((host, port))
    except OSError as error:
        # On a machine without IPv6, nothing can listen at ::1.
        return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True
