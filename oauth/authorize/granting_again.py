"""Answers the usual request without a page, in two statements: a read without locks, and a write that takes effect only
if nothing has changed since the read.

The write locks the decision and the session, and checks that the client's row is the one that was read. PostgreSQL
re-reads a row whose lock it had to wait for, so nothing is written if a denial in another tab or a logout commits
first. Then, and for any unusual request, the caller decides again in a transaction.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from oauth import authorization_details, fast_path
from oauth.authorization_details import Again
from oauth.authorize import code, decision, remembered, response
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Respond
from oauth.fast_path.model_rows import Values, values, with_defaults
from oauth.infrastructure.rows import changed
from oauth.models import AuditEvent, Authorization, AuthorizationCode, Client, RememberedConsent, Session


def try_fast(
    interaction: Interaction, sid: str | None, decisions: Sequence[Sequence[Any]] | None = None
) -> Respond | None:
    """The response with a code if the user has allowed the entire request before; None if the caller must decide again.
    Raises LoginRequired if the user has logged out since the read. `sid` is the ID of the Session. `decisions` are the
    rows for `remembered.newest_covering`, if they were already read.
    """
    request, client, user = interaction.request, interaction.client, interaction.user
    is_usual = interaction.row is None and request.pushed_id is None and request.response_type == "code"
    login = interaction.login
    if not (fast_path.is_on() and is_usual and login and sid):
        return None
    login_values = {"id": UUID(sid), "auth_time": login.auth_time, "acr": login.acr, "amr": list(login.amr)}
    session = with_defaults(Session, {"user": user}, login_values)
    if decisions is None:
        known = remembered.find_decision(request, client, user, unlocked_in=session)
    else:
        known = remembered.newest_covering(decisions, request, client)
    if known is None:
        return None
    details = known.authorization.authorization_details
    again: Sequence[Again] = ()
    if not authorization_details.limited_by(details).isdisjoint(request.scopes):
        try:
            again = authorization_details.granted_again(details, user, client.client_id, request.scopes)
        except authorization_details.NotAnswered:
            return None
    return _respond(interaction, session, known, again)


def _respond(
    interaction: Interaction, session: Session, known: RememberedConsent, again: Sequence[Again]
) -> Respond | None:
    request, client, user = interaction.request, interaction.client, interaction.user
    limits = [one.detail for one in again]
    given, event = decision.unsaved_again(request, client, session, limits, until=known.expires_at)
    secret, row = code.unsaved(given, request)
    inserts = [insert for one in again for insert in one.inserts]
    parameters = [
        *remembered.same_decision(known, client, user),
        *(session.pk, user.pk, session.auth_time, session.acr, session.amr),
        *(client.pk, client.row_version, client.row_version),
        *_authorizations().of(given),
        *(parameter for insert in inserts for parameter in insert.parameters),
        *values(AuditEvent).of(event),
        *values(AuthorizationCode).of(row),
    ]
    if changed(_statement(tuple(insert.statement for insert in inserts)), parameters) != 1:
        decision.keep_open(session)  # raises after a logout; otherwise the caller would start a new session
        return None
    return response.success(request, client, {"code": secret})


@cache
def _authorizations() -> Values[Authorization]:
    return Values(Authorization, by_database=("status_index",))


@lru_cache(maxsize=100)
def _statement(inserts: tuple[str, ...]) -> str:
    """`open` is empty if the session has ended or differs from the browser's login, or if the client's row has changed
    since it was read. FOR KEY SHARE makes a logout wait (ASVS 5.0 7.4.1).
    """
    sessions, clients = Session._meta.db_table, Client._meta.db_table
    events, codes = values(AuditEvent), values(AuthorizationCode)
    limits = "".join(f"limit_{number} AS ({insert}),\n" for number, insert in enumerate(inserts))
    return f"""
WITH decision AS ({remembered.SAME_DECISION}),
open AS (
  SELECT session.id FROM decision, {sessions} session
   WHERE session.id = %s AND session.user_id = %s AND session.ended_at IS NULL AND session.auth_time = %s
     AND session.acr = %s AND session.amr = %s::varchar[]
     AND EXISTS (SELECT FROM {clients} WHERE id = %s::bigint AND (%s::text IS NULL OR xmin::text = %s::text))
     FOR KEY SHARE OF session),
given AS (
  INSERT INTO {Authorization._meta.db_table} ({_authorizations().columns}) SELECT {_authorizations().marks} FROM open
  RETURNING id),
{limits}event AS (INSERT INTO {AuditEvent._meta.db_table} ({events.columns}) SELECT {events.marks} FROM given)
INSERT INTO {AuthorizationCode._meta.db_table} ({codes.columns}) SELECT {codes.marks} FROM given"""  # noqa: S608
