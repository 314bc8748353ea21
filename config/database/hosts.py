"""Several hosts of one database, one of which accepts writes.

`host`, `hostaddr` and `port` of libpq are then lists. The watch finds the host that accepts writes. New connections try
that host first, because another host may not answer at all, and each connection would then wait for connect_timeout.
"""

from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_LISTS = ("host", "hostaddr", "port")
_TAKES_WRITES = ("read-write", "primary")

#: The host and port from which the watch of this process last got an answer.
_found: tuple[str, str] | None = None


def found(host: str, port: str) -> None:
    global _found
    _found = host, port


def each(conninfo: str) -> list[str]:
    """A libpq connection string for each host."""
    return [make_conninfo(**one) for one in _split(conninfo_to_dict(conninfo))]


def found_first(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same hosts, beginning with the host that the watch has found."""
    hosts = _split(parameters)
    if len(hosts) < 2 or _found is None:
        return parameters
    hosts.sort(key=lambda one: _place(one) != _found)  # False sorts first
    lists = {name: ",".join(str(one[name]) for one in hosts) for name in _LISTS if parameters.get(name)}
    return parameters | lists


def number(parameters: dict[str, Any]) -> int:
    return len(_split(parameters))


def finds_writer(parameters: dict[str, Any]) -> bool:
    """Whether a connection always reaches the host that accepts writes."""
    return len(_split(parameters)) < 2 or parameters.get("target_session_attrs") in _TAKES_WRITES


def _place(parameters: dict[str, Any]) -> tuple[str, str]:
    return parameters.get("host") or parameters.get("hostaddr") or "", parameters.get("port") or "5432"


def _split(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    lists = {name: str(parameters[name]).split(",") for name in _LISTS if parameters.get(name)}
    number = max([1, *map(len, lists.values())])
    # In libpq, a single port applies to all hosts.
    return [
        parameters | {name: values[place if len(values) > 1 else 0] for name, values in lists.items()}
        for place in range(number)
    ]
