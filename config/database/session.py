"""Checks what PostgreSQL reports about a connection of the site: settings that a pooler may have dropped, and limits.

The site asks for these settings when it connects. pgbouncer refuses or ignores such parameters, depending on
`ignore_startup_parameters`; then the role must have them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection

#: Worker processes of `serve`, by default.
PROCESSES = 2
_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
_LIMITS = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0), current_user"""


@register(Tags.database)
def check_session(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        with connection.cursor() as cursor:
            names = [*_TIMEOUTS, "TimeZone", "transaction_isolation"]
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [names])
            session = dict(cursor.fetchall())
            cursor.execute(_LIMITS)
            available, role = cursor.fetchone()
    except DatabaseError:
        return []  # other checks report that the database is unreachable
    return [*_timeouts(session, role), *_zone(session), *_isolation(session, role), *_connections(available, PROCESSES)]


def check_connections(processes: int) -> list[CheckMessage]:
    """Warns if a server with this number of worker processes may open more connections than the database allows."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LIMITS)
            available, _ = cursor.fetchone()
    except DatabaseError:
        return []  # the worker processes report it
    return list(_connections(available, processes))


def _timeouts(session: dict[str, str], role: str) -> Iterator[CheckMessage]:
    missing = [name for name in _TIMEOUTS if session[name] == "0" and _is_wanted(name)]
    if missing:
        commands = " ".join(f"ALTER ROLE {role} SET {name} = '{_wanted()[name]}';" for name in missing)
        yield Warning(
            f"Connections have no {', '.join(missing)}: a pooler did not pass on these settings.",
            hint=f"Set them on the role, and make the pooler reconnect (RECONNECT of pgbouncer): {commands}",
            id="config.W020",
        )


def _zone(session: dict[str, str]) -> Iterator[CheckMessage]:
    if session["TimeZone"] not in ("UTC", "Etc/UTC"):
        yield Error(
            f"The time zone of connections is {session['TimeZone']}, not UTC: days would begin at another time.",
            hint="Remove TIME_ZONE and ALTER ROLE … SET timezone, or let the pooler pass it on.",
            id="config.E021",
        )


def _isolation(session: dict[str, str], role: str) -> Iterator[CheckMessage]:
    if session["transaction_isolation"] != "read committed":
        yield Error(
            f"Transactions are “{session['transaction_isolation']}”. The site is made for “read committed”: it locks "
            "what it must, and does not repeat transactions that PostgreSQL cannot serialize.",
            hint=f"ALTER ROLE {role} RESET default_transaction_isolation;",
            id="config.E022",
        )


def _connections(available: int, processes: int) -> Iterator[CheckMessage]:
    most = settings.DATABASES[DEFAULT_DB_ALIAS]["OPTIONS"]["pool"]["max_size"]
    opened = processes * (most + 2)  # with those of the watch and of the reader of known clients
    if opened > available:
        yield Warning(
            f"One server with {processes} worker processes may open {opened} connections (DB_POOL_MAX is {most}, and "
            f"each process opens two more), and PostgreSQL allows {available} for all servers and background workers.",
            hint="Raise max_connections, lower DB_POOL_MAX (not below `serve --threads`), or put a pooler in between.",
            id="config.W023",
        )


def _wanted() -> dict[str, str]:
    """The value of each option `-c name=value` in DATABASES."""
    options = str(settings.DATABASES[DEFAULT_DB_ALIAS]["OPTIONS"].get("options", ""))
    pairs = (part.partition("=") for part in options.replace("-c ", "").split())
    return {name: value for name, equals, value in pairs if equals}


def _is_wanted(name: str) -> bool:
    """The owner, who runs migrations, must have no time limit."""
    return _wanted().get(name, "0").rstrip("msin") not in ("", "0")
