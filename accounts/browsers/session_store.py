"""SESSION_ENGINE: Django's sessions in the database, with one statement for each change.

Django first queries whether a new key of 32 random characters is taken, and begins a transaction for each write. Here
the primary key rejects a taken key, and each statement commits by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import DatabaseError, IntegrityError, router
from django.utils import timezone
from django.utils.crypto import get_random_string

from oauth import fast_path
from oauth.infrastructure.rows import rows


class SessionStore(DatabaseSessionStore):
    _keeps_key = False

    @contextmanager
    def keeping_key(self) -> Iterator[None]:
        """In this block, `cycle_key` does nothing."""
        self._keeps_key = True
        try:
            yield
        finally:
            self._keeps_key = False

    def cycle_key(self) -> None:
        if not self._keeps_key:
            super().cycle_key()

    def _get_session_from_db(self) -> Any:
        """Reads the session by hand-written SQL: the ORM would compile the query on each page, which takes longer than
        PostgreSQL takes to execute it.
        """
        if not fast_path.is_on():
            return super()._get_session_from_db()  # type: ignore[misc]  # not in the stubs
        table, key = self.model._meta.db_table, self.session_key
        found = rows(
            f"SELECT session_data, expire_date FROM {table} WHERE session_key = %s AND expire_date > %s",  # noqa: S608
            [key, timezone.now()],
        )
        if not found or key is None:
            self._session_key = None
            return None
        return self.model(session_key=key, session_data=found[0][0], expire_date=found[0][1])

    def _get_new_session_key(self) -> str:
        return get_random_string(32, VALID_KEY_CHARS)

    def save(self, must_create: bool = False) -> None:
        """Raises CreateError if the key is taken, and UpdateError if the session has been deleted meanwhile."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # not in the stubs
        row = self.create_model_instance(data)
        using = router.db_for_write(self.model, instance=row)
        try:
            row.save(force_insert=must_create, force_update=not must_create, using=using)
        except IntegrityError as error:
            raise CreateError if must_create else error from error
        except DatabaseError as error:
            raise error if must_create else UpdateError from error
