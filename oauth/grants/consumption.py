"""Writes all changes of a grant in one statement: the authorization's `last_used_at`, the consumed code or refresh
token, the new refresh token, and the audit event.

`consume` locks the authorization and checks that it has not changed since the read. Then it consumes the code or
refresh token. If another request was faster, nothing is written. PostgreSQL re-reads a row whose lock it had to wait
for, so it sees concurrent commits. `write` is for grants that consume their input themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.utils import timezone

from oauth.fast_path.model_rows import values
from oauth.grants.family import Fork
from oauth.infrastructure import clock
from oauth.infrastructure.rows import changed
from oauth.models import AuditEvent, Authorization, AuthorizationCode, Client, RefreshToken

_AUTHORIZATION = Authorization._meta.db_table
_CODE = AuthorizationCode._meta.db_table
_TOKEN = RefreshToken._meta.db_table


@dataclass(frozen=True, slots=True)
class Consumption:
    """Common table expressions in the middle of the statement. They may refer to `used`, the authorization. The last
    one, `consumed`, must have one row if something was consumed, otherwise none.
    """

    expressions: str
    parameters: tuple[Any, ...] = ()


#: Consumes nothing, because the caller has already consumed its input, or retries under the lock.
NOTHING = Consumption("consumed AS (SELECT id FROM used)")


def of_code(code: AuthorizationCode) -> Consumption:
    """RFC 6749 §4.1.2: a code must be used only once."""
    return Consumption(
        f"consumed AS (UPDATE {_CODE} SET consumed_at = %s WHERE id = %s AND consumed_at IS NULL "  # noqa: S608
        "AND EXISTS (SELECT FROM used) RETURNING id)",
        (clock.now(), code.pk),
    )


def of_superseded(token: RefreshToken, fork: Fork, *, window: timedelta) -> Consumption:
    """Marks the refresh token as superseded by a successor (RFC 9700 §4.14.2).

    Deletes rows that were superseded or abandoned longer ago than the retry window. Using such a token still ends the
    authorization, because this token's row identifies the family.
    """
    now = clock.now()
    branches, past = _branches(fork), _past_the_window(token, now - window)
    return Consumption(
        f"{branches.expressions}{past.expressions}consumed AS (UPDATE {_TOKEN} "  # noqa: S608
        "SET superseded_at = %s, first_used_at = %s "
        "WHERE id = %s AND superseded_at IS NULL AND revoked_at IS NULL AND fork IS NOT DISTINCT FROM %s "
        "AND EXISTS (SELECT FROM used) RETURNING id)",
        (*branches.parameters, *past.parameters, now, now, token.pk, token.fork),
    )


def of_retry(fork: Fork) -> Consumption:
    """For another successor of a superseded refresh token. Use this only under the lock."""
    branches = _branches(fork)
    return Consumption(f"{branches.expressions}{NOTHING.expressions}", branches.parameters)


def of_written(token: RefreshToken, fork: Fork, expires_at: datetime) -> Consumption:
    """Extends a refresh token that is not rotated until `expires_at`.

    If the token replaced another one, for example because it is bound to a key, its first use ends the retry window of
    the replaced token.
    """
    branches = _branches(fork)
    return Consumption(
        f"{branches.expressions}consumed AS (UPDATE {_TOKEN} SET first_used_at = coalesce(first_used_at, %s), "  # noqa: S608
        "expires_at = greatest(expires_at, %s), fork = %s "
        "WHERE id = %s AND superseded_at IS NULL AND revoked_at IS NULL AND fork IS NOT DISTINCT FROM %s "
        "AND EXISTS (SELECT FROM used) RETURNING id)",
        (*branches.parameters, timezone.now(), expires_at, fork.number, token.pk, token.fork),
    )


def _branches(fork: Fork) -> Consumption:
    """The effects on other branches of the family; none if there is only one branch."""
    if not fork.given_up and not fork.going_on:
        return Consumption("")
    return Consumption(
        f"given_up AS (UPDATE {_TOKEN} SET revoked_at = %s WHERE id = ANY (%s) "  # noqa: S608
        "AND EXISTS (SELECT FROM used)), "
        f"going_on AS (UPDATE {_TOKEN} SET fork = %s WHERE id = ANY (%s) "
        "AND EXISTS (SELECT FROM used)), ",
        (clock.now(), list(fork.given_up), fork.number, list(fork.going_on)),
    )


def _past_the_window(token: RefreshToken, end: datetime) -> Consumption:
    """Deletes old rows of the family. Rows of an earlier release have no family, so they stay as long as the
    authorization.
    """
    if token.family_digest is None:
        return Consumption("")
    return Consumption(
        f"past AS (DELETE FROM {_TOKEN} WHERE authorization_id = %s AND family_digest = %s AND id <> %s "  # noqa: S608
        "AND (superseded_at < %s OR revoked_at < %s) AND EXISTS (SELECT FROM used)), ",
        (token.authorization_id, token.family_digest, token.pk, end, end),
    )


def of_reusable(token: RefreshToken) -> Consumption:
    """Checks that a refresh token that is not rotated still exists and is valid.

    Whatever ends such a token also ends the authorization or changes its status_index, and `used` has locked that row.
    The exception is a token that replaced another one: it is abandoned when another branch continues alone (`family`).
    So only such a token's own row is locked, because the lock makes up a third of the statement's cost.
    """
    return Consumption(
        f"consumed AS (SELECT token.id FROM used, {_TOKEN} token WHERE token.id = %s "  # noqa: S608
        f"AND token.superseded_at IS NULL AND token.revoked_at IS NULL AND token.fork IS NULL"
        f"{' FOR UPDATE OF token' if token.replaces_id else ''})",
        (token.pk,),
    )


def write(
    client: Client, authorization: Authorization, grant_type: str, scopes: Iterable[str], row: RefreshToken | None
) -> None:
    used = f"UPDATE {_AUTHORIZATION} SET last_used_at = %s WHERE id = %s RETURNING id"  # noqa: S608
    changed(
        _statement(used, NOTHING.expressions, with_token=row is not None),
        [timezone.now(), authorization.pk, *_values(client, authorization, grant_type, scopes, row)],
    )


def consume(
    what: Consumption,
    client: Client,
    authorization: Authorization,
    grant_type: str,
    scopes: Iterable[str],
    row: RefreshToken | None,
) -> bool:
    """Returns False, and writes nothing, if the authorization has changed or another request was faster."""
    used = (
        f"UPDATE {_AUTHORIZATION} SET last_used_at = %s "  # noqa: S608
        "WHERE id = %s AND revoked_at IS NULL AND status_index = %s RETURNING id"
    )
    parameters = [timezone.now(), authorization.pk, authorization.status_index, *what.parameters]
    statement = _statement(used, what.expressions, with_token=row is not None)
    return changed(statement, [*parameters, *_values(client, authorization, grant_type, scopes, row)]) == 1


@cache
def _statement(used: str, expressions: str, *, with_token: bool) -> str:
    events, tokens = values(AuditEvent), values(RefreshToken)
    stored = f", stored AS (INSERT INTO {_TOKEN} ({tokens.columns}) SELECT {tokens.marks} FROM consumed)"  # noqa: S608
    return (
        f"WITH used AS ({used}), {expressions}{stored if with_token else ''} "  # noqa: S608
        f"INSERT INTO {AuditEvent._meta.db_table} ({events.columns}) SELECT {events.marks} FROM consumed"
    )


def _values(
    client: Client, authorization: Authorization, grant_type: str, scopes: Iterable[str], row: RefreshToken | None
) -> list[Any]:
    event = AuditEvent.unsaved(
        AuditEvent.Action.ISSUED,
        user=authorization.user_id,
        client=client.client_id,
        authorization=authorization.pk,
        reason=f"{grant_type}: {' '.join(sorted(scopes))}",
    )
    return [*(values(RefreshToken).of(row) if row else ()), *values(AuditEvent).of(event)]
