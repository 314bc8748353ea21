"""The session and the user of a browser from rows that one statement has read, as Django's middleware finds them in
two. It only accepts: what it does not accept, Django decides."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils.crypto import constant_time_compare


def is_possible() -> bool:
    """Whether sessions are rows of the database, and a user is a row of one table."""
    return issubclass(_store(), DatabaseSessionStore) and not get_user_model()._meta.parents


def session_table() -> str:
    table: str = _store().get_model_class()._meta.db_table
    return table


def opened(session_key: str, session_data: str) -> SessionBase:
    """The session of a row that has not expired."""
    session: Any = _store()(session_key)
    session._session_cache = session.decode(session_data)  # what SessionBase keeps after it has read the row
    found: SessionBase = session
    return found


def is_logged_in(session: SessionBase, user: Any) -> bool:
    """Whether the session is a login of this user (ASVS 5.0 7.4.1) that still counts: by an authentication backend of
    this site that lets the user in (7.4.2), and since the password and all that ends sessions (7.4.3) last changed."""
    path = session.get(BACKEND_SESSION_KEY)
    if session.get(SESSION_KEY) != user._meta.pk.value_to_string(user) or path not in settings.AUTHENTICATION_BACKENDS:
        return False
    backend = load_backend(path)
    return (
        isinstance(backend, ModelBackend)
        and backend.user_can_authenticate(user)
        and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore
