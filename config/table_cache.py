"""The cache that all worker processes share if there is no Valkey or Redis: a table in PostgreSQL."""

import base64
import pickle
import random
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

#: One write in _SWEEP_EVERY deletes up to _SWEPT expired entries, which is more than were added since the last time.
_SWEEP_EVERY, _SWEPT = 200, 1000

_WRITES = {
    "set": "INSERT INTO {table} (cache_key, value, expires) VALUES (%(key)s, %(value)s, %(expires)s) "
    "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires",
    "add": "INSERT INTO {table} (cache_key, value, expires) VALUES (%(key)s, %(value)s, %(expires)s) "
    "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires "
    "WHERE {table}.expires < %(now)s",
    "touch": "UPDATE {table} SET expires = %(expires)s WHERE cache_key = %(key)s AND expires >= %(now)s",
}
_LOCK = "SELECT value FROM {table} WHERE cache_key = %s AND expires >= %s FOR UPDATE"
_SWEEP = (
    "DELETE FROM {table} WHERE cache_key IN "
    "(SELECT cache_key FROM {table} WHERE expires < %s LIMIT %s FOR UPDATE SKIP LOCKED)"
)


class TableCache(DatabaseCache):
    """Django's DatabaseCache, changed so that it can count failed logins (ASVS 5.0 6.3.1).

    No entry is dropped before it expires: Django's drops a third of the entries once there are more than 300, so an
    attacker could create enough entries to have the counts of failures dropped. No increment is lost to a parallel one.
    A write is one statement instead of five and a count of all rows.
    """

    _table: str

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError if there is no entry. The entry still expires at the same time."""
        name = self.make_and_validate_key(key, version=version)
        connection = self._connection()
        table = connection.ops.quote_name(self._table)
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(_LOCK.format(table=table), [name, datetime.now(UTC)])
            row = cursor.fetchone()
            if row is None:
                raise ValueError(f"There is no entry {key!r}.")
            value: int = _read(row[0]) + delta
            cursor.execute(f"UPDATE {table} SET value = %s WHERE cache_key = %s", [self._written(value), name])  # noqa: S608
        return value

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        seconds = self.get_backend_timeout(timeout)
        expires = datetime.max.replace(tzinfo=UTC) if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
        now = datetime.now(UTC).replace(microsecond=0)
        values: dict[str, Any] = {
            "key": key,
            "value": self._written(value),
            "expires": expires.replace(microsecond=0),
            "now": now,
        }
        connection = self._connection()
        table = connection.ops.quote_name(self._table)
        with connection.cursor() as cursor:
            cursor.execute(_WRITES[mode].format(table=table), values)
            is_written: bool = cursor.rowcount == 1
            if random.randrange(_SWEEP_EVERY) == 0:  # noqa: S311  (no secret)
                cursor.execute(_SWEEP.format(table=table), [now, _SWEPT])
        return is_written

    def _connection(self) -> BaseDatabaseWrapper:
        return connections[router.db_for_write(self.cache_model_class)]

    def _written(self, value: Any) -> str:
        return base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")


def _read(value: str) -> Any:
    return pickle.loads(base64.b64decode(value))  # noqa: S301  (only this cache writes there)
