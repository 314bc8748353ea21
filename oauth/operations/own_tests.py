"""Lets Django empty the database of a project's own tests.

Django truncates all tables after each TransactionTestCase and LiveServerTestCase, but the audit log refuses TRUNCATE.
In a database that Django has made for tests, this trigger is off.
"""

from django.conf import settings
from django.db import connection
from django.db.backends.base.creation import TEST_DATABASE_PREFIX

_TRIGGER = "audit_no_truncate"


def allow_emptying() -> None:
    """Called after `migrate`."""
    if _is_for_tests():
        switch_guard("DISABLE")


def switch_guard(act: str) -> None:
    """`act` is ENABLE or DISABLE."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [_TRIGGER])
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {act} TRIGGER {_TRIGGER}")


def _is_for_tests() -> bool:
    """Whether Django's test runner is active, which allows this host, and has created the test database."""
    database = connection.settings_dict
    name = str(database["NAME"])
    return "testserver" in settings.ALLOWED_HOSTS and (
        name.startswith(TEST_DATABASE_PREFIX) or name == database["TEST"]["NAME"]
    )
