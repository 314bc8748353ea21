"""Restores a browser's session and user from rows that one statement has read; Django's middleware needs two
statements. This module can only accept a login: otherwise Django's middleware decides.
"""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils.crypto import constant_time_compare


def is_possible() -> bool:
    """Whether sessions are stored in the database and the user model has a single table."""
    return issubclass(_store(), DatabaseSessionStore) and not get_user_model()._meta.parents


def session_table() -> str:
    table: str = _store().get_model_class()._meta.db_table
    return table


def opened(session_key: str, session_data: str) -> SessionBase:
    """The session with this data, which must not have expired."""
    session: Any = _store()(session_key)
    # SessionBase's cache of the data
    session._session_cache = session.decode(session_data)
    found: SessionBase = session
    return found


def is_logged_in(session: SessionBase, user: Any) -> bool:
    """Whether the session is a valid login of this user (ASVS 5.0 7.4.1). Its authentication backend must be configured
    and accept the user (7.4.2), and its session auth hash must match, which changes with the password (7.4.3).
    """
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
