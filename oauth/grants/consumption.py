"""What a grant leaves behind, in one statement: the use of the authorization, the new refresh token, the audit event.

`write` comes after a grant that has locked and consumed what it was given. `consume` does both at once for the usual
case, which has only read so far: the first part locks the authorization and looks whether it is still the one that was
read; the second consumes the code or the refresh token, or finds that somebody was faster; all that follows happens
only with it. PostgreSQL looks once more at a row that it had to wait for, so what was committed in between is seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils import timezone

from oauth.fast_path.model_rows import values
from oauth.infrastructure.rows import changed
from oauth.models import AuditEvent, Authorization, AuthorizationCode, Client, RefreshToken

_AUTHORIZATION = Authorization._meta.db_table
_CODE = AuthorizationCode._meta.db_table
_TOKEN = RefreshToken._meta.db_table


@dataclass(frozen=True, slots=True)
class Consumption:
    """The second part of the statement: selects one row where something was there to be consumed, else none."""

    statement: str
    parameters: tuple[Any, ...]


def of_code(code: AuthorizationCode) -> Consumption:
    return Consumption(
        f"UPDATE {_CODE} SET consumed_at = %s WHERE id = %s AND consumed_at IS NULL "  # noqa: S608
        "AND EXISTS (SELECT FROM used) RETURNING id",
        (timezone.now(), code.pk),
    )


def of_superseded(token: RefreshToken) -> Consumption:
    now = timezone.now()
    return Consumption(
        f"UPDATE {_TOKEN} SET superseded_at = %s, first_used_at = %s WHERE id = %s AND superseded_at IS NULL "  # noqa: S608
        "AND revoked_at IS NULL AND EXISTS (SELECT FROM used) RETURNING id",
        (now, now, token.pk),
    )


def of_first_use(token: RefreshToken) -> Consumption:
    """A refresh token that replaced another and stays the same from now on, such as one that is bound to a key. That
    it was used closes the retry window of the other."""
    return Consumption(
        f"UPDATE {_TOKEN} SET first_used_at = %s WHERE id = %s AND superseded_at IS NULL "  # noqa: S608
        "AND revoked_at IS NULL AND EXISTS (SELECT FROM used) RETURNING id",
        (timezone.now(), token.pk),
    )


def of_nothing(token: RefreshToken) -> Consumption:
    """A refresh token that stays the same: still there, and alive.

    What ends it ends the authorization or changes its status_index, and `used` has that row locked; but one that has
    replaced another is killed by a retry of that (`refresh_token._supersede`), and is locked itself. A lock costs a
    third of the statement.
    """
    return Consumption(
        f"SELECT token.id FROM used, {_TOKEN} token WHERE token.id = %s AND token.superseded_at IS NULL "  # noqa: S608
        f"AND token.revoked_at IS NULL{' FOR UPDATE OF token' if token.replaces_id else ''}",
        (token.pk,),
    )


def write(
    client: Client, authorization: Authorization, grant_type: str, scopes: Iterable[str], row: RefreshToken | None
) -> None:
    used = f"UPDATE {_AUTHORIZATION} SET last_used_at = %s WHERE id = %s RETURNING id"  # noqa: S608
    changed(
        _statement(used, "SELECT id FROM used", with_token=row is not None),
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
    """False where the authorization has changed, or somebody was faster: nothing was consumed, stored or issued."""
    used = (
        f"UPDATE {_AUTHORIZATION} SET last_used_at = %s "  # noqa: S608
        "WHERE id = %s AND revoked_at IS NULL AND status_index = %s RETURNING id"
    )
    parameters = [timezone.now(), authorization.pk, authorization.status_index, *what.parameters]
    statement = _statement(used, what.statement, with_token=row is not None)
    return changed(statement, [*parameters, *_values(client, authorization, grant_type, scopes, row)]) == 1


@cache
def _statement(used: str, consumed: str, *, with_token: bool) -> str:
    events, tokens = values(AuditEvent), values(RefreshToken)
    stored = f", stored AS (INSERT INTO {_TOKEN} ({tokens.columns}) SELECT {tokens.marks} FROM consumed)"  # noqa: S608
    return (
        f"WITH used AS ({used}), consumed AS ({consumed}){stored if with_token else ''} "  # noqa: S608
        f"INSERT INTO {AuditEvent._meta.db_table} ({events.columns}) SELECT {events.marks} FROM consumed"
    )


def _values(
    client: Client, authorization: Authorization, grant_type: str, scopes: Iterable[str], row: RefreshToken | None
) -> list[Any]:
    event = AuditEvent.of(
        AuditEvent.Action.ISSUED,
        user=authorization.user_id,
        client=client.client_id,
        authorization=authorization.pk,
        reason=f"{grant_type}: {' '.join(sorted(scopes))}",
    )
    return [*(values(RefreshToken).of(row) if row else ()), *values(AuditEvent).of(event)]
