"""Stores the rows of a batch, with one statement per table. Existing rows are not changed.

Scopes and resources are passed as space-separated text, because the rows of a PostgreSQL array must have equal lengths.
"""

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from oauth.dot_import.token_plan import Adopted, Authority, OldAccessToken
from oauth.models import Authorization, ImportedAccessToken, RefreshToken, RememberedConsent

_AUTHORIZATIONS = Authorization._meta.db_table
_REFRESH_TOKENS = RefreshToken._meta.db_table
_ACCESS_TOKENS = ImportedAccessToken._meta.db_table
_CONSENTS = RememberedConsent._meta.db_table


def authorizations(rows: Sequence[Authority]) -> int:
    """Returns how many are new. Remembers the consent of each new one until it expires."""
    user_type = str(get_user_model()._meta.pk.rel_db_type(connection))
    types = ("uuid", user_type, "bigint", "text", "text", "timestamptz", "timestamptz", "timestamptz", "text")
    return _run(
        f"WITH given AS (SELECT * FROM unnest({_marks(types)}) AS given(id, user_id, client_id, scopes, resources, "  # noqa: S608
        "auth_time, created_at, expires_at, about)), "
        f"stored AS (INSERT INTO {_AUTHORIZATIONS} (id, user_id, client_id, scopes, resources, auth_time, created_at, "
        "expires_at, acr, amr, claims, authorization_details, revocation_reason) "
        "SELECT id, user_id, client_id, string_to_array(scopes, ' '), string_to_array(resources, ' '), auth_time, "
        "created_at, expires_at, '', '{}', '{}', '[]', '' FROM given ON CONFLICT (id) DO NOTHING RETURNING id), "
        f"remembered AS (INSERT INTO {_CONSENTS} (authorization_id, scopes, claims, resources, about, decided_at, "
        "expires_at) SELECT given.id, string_to_array(scopes, ' '), '{}', string_to_array(resources, ' '), "
        "about::jsonb, created_at, expires_at FROM given JOIN stored USING (id) WHERE about IS NOT NULL) "
        "SELECT count(*) FROM stored",
        rows,
    )


def refresh_tokens(rows: Sequence[Adopted]) -> int:
    """Returns how many are new. Omits tokens whose authorization was not imported.

    An ended token gets the scopes of its authorization, because the grant checks scopes before it detects reuse.
    """
    types = ("bytea", "uuid", "text", "text", "timestamptz", "timestamptz", "timestamptz")
    return _run(
        f"WITH given AS (SELECT * FROM unnest({_marks(types)}) AS given(digest, authorization_id, scopes, resources, "  # noqa: S608
        "created_at, expires_at, ended_at)), "
        f"stored AS (INSERT INTO {_REFRESH_TOKENS} (token_digest, authorization_id, scopes, resources, confirmation, "
        "generation, created_at, expires_at, superseded_at, revoked_at) "
        "SELECT digest, authorization_id, "
        "CASE WHEN ended_at IS NULL THEN string_to_array(given.scopes, ' ') ELSE kept.scopes END, "
        "CASE WHEN ended_at IS NULL THEN string_to_array(given.resources, ' ') ELSE kept.resources END, "
        "'{}', 0, given.created_at, given.expires_at, ended_at, ended_at FROM given "
        f"JOIN {_AUTHORIZATIONS} kept ON kept.id = authorization_id "
        "ON CONFLICT (token_digest) DO NOTHING RETURNING 1) SELECT count(*) FROM stored",
        rows,
    )


def access_tokens(rows: Sequence[OldAccessToken]) -> int:
    """Returns how many are new."""
    types = ("bytea", "bigint", "uuid", "text", "text", "timestamptz", "timestamptz")
    return _run(
        f"WITH given AS (SELECT * FROM unnest({_marks(types)}) AS given(digest, client_id, authorization_id, scopes, "  # noqa: S608
        "resources, created_at, expires_at)), "
        f"stored AS (INSERT INTO {_ACCESS_TOKENS} (token_digest, client_id, authorization_id, scopes, resources, "
        "created_at, expires_at) SELECT digest, client_id, authorization_id, string_to_array(scopes, ' '), "
        "string_to_array(resources, ' '), created_at, expires_at FROM given "
        "ON CONFLICT (token_digest) DO NOTHING RETURNING 1) SELECT count(*) FROM stored",
        rows,
    )


def _marks(types: Sequence[str]) -> str:
    return ", ".join(f"%s::{one}[]" for one in types)


def _run(statement: str, rows: Sequence[Any]) -> int:
    if not rows:
        return 0
    columns = [list(column) for column in zip(*(astuple(row) for row in rows), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        count: int = cursor.fetchone()[0]
        return count
