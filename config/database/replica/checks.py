"""System checks of DATABASE_REPLICA_URL."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS

from config.database import hosts, watch
from config.database.replica import ALIAS

_WHICH = """
SELECT pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_control_system()), current_database()"""
_TABLE = "config.table_cache.TableCache"


@register(Tags.database)
def check_replica_settings(**_: Any) -> list[CheckMessage]:
    if ALIAS not in settings.DATABASES:
        return []
    messages: list[CheckMessage] = []
    if _hosts() > 1:
        messages.append(
            Error(
                "DATABASE_REPLICA_URL names several hosts: the site could mistake the lag of one for the lag of "
                "another.",
                hint="Name one replica. Servers of the site may have different ones.",
                id="config.E026",
            )
        )
    if settings.CACHES["default"]["BACKEND"] == _TABLE:
        messages.append(
            Warning(
                "There is a replica, but no CACHE_URL: each read from the replica first asks the primary what the "
                "user last wrote.",
                hint="Set CACHE_URL to a Valkey or Redis server.",
                id="config.W027",
            )
        )
    return messages


@register(Tags.database)
def check_replica(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    if ALIAS not in settings.DATABASES or DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        primary = _which(DEFAULT_DB_ALIAS)
    except psycopg.Error:
        return []  # other checks report that the database is unreachable
    try:
        is_standby, *database = _which(ALIAS)
    except psycopg.Error:
        return [
            Warning(
                "The replica cannot be reached. All reads go to the primary.",
                hint="Look at DATABASE_REPLICA_URL, and at the replica's log.",
                id="config.W028",
            )
        ]
    if is_standby and database == primary[1:]:
        return []
    return [
        Error(
            "DATABASE_REPLICA_URL is not a standby of the database of DATABASE_URL.",
            hint="Name a streaming standby of the same cluster, and the same database in it.",
            id="config.E029",
        )
    ]


def _hosts() -> int:
    """The hosts of a database URL, from its authority or from its parameters."""
    database = settings.DATABASES[ALIAS]
    options = database.get("OPTIONS", {})
    return hosts.number({**options, "host": database.get("HOST") or options.get("host")})


def _which(alias: str) -> list[Any]:
    with psycopg.connect(watch.conninfo(alias), autocommit=True) as connection:
        return list(connection.execute(_WHICH).fetchone() or ())
